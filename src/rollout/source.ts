/**
 * Where bundles come from. A source says what should be served, and brings it; whether it may be served is decided elsewhere.
 */
export interface BundleSource {
  /** @returns what should be served now; null if there is nothing. Rejects where that cannot be found out */
  look(signal: AbortSignal): Promise<Found | null>
  /** @returns what was kept last, for a start without the source; null if nothing was */
  last(): Promise<Kept | null>
  /** There is nothing to be served any more, after a new start either. */
  forget(): Promise<void>
  /** What was kept last cannot be used. */
  spoil(): Promise<void>
}

export interface Found {
  /** Another bundle has another one; a bundle that is refused is not fetched again under the same one. */
  readonly id: string
  /** For people: a folder, or `models:/name/version`. */
  readonly origin: string
  /** @throws an error of REFUSAL_CODES if what there is cannot be a bundle; any other error means that it could not be had now */
  fetch(signal: AbortSignal): Promise<Fetched>
}

/** A bundle's files, not verified yet. */
export interface Fetched {
  readonly folder: string
  /** It is good, and may be needed after a new start. */
  keep(): Promise<void>
  discard(): Promise<void>
}

export interface Kept {
  readonly id: string
  readonly origin: string
  readonly folder: string
}

/** Codes of errors that would come again: what a folder holds is no bundle, or what the registry has for one; or clients would be refused. */
export const REFUSAL_CODES: ReadonlySet<unknown> = new Set([
  'BUNDLE_INVALID',
  'BUNDLE_REFUSED',
  'INPUTS_REFUSED',
])
