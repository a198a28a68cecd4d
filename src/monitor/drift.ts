/**
 * Drift: how far the installs of the last hour, and what was predicted for them, are from those that the model learnt from → the
 * population stability index (PSI) of each feature and of the prediction:
 *
 *   Σ over the bins of the reference (live share − reference share) · ln(live share / reference share)
 *
 * Below 0.1 it is usually called stable, above 0.25 another population. Missing values are a bin of their own. Some predictions a second
 * are looked at, however many there are: more of them make the index no better.
 */

/** With edges e₁ < … < eₙ there are n + 1 counts: of values ≤ e₁, then in (e₁, e₂], …, then > eₙ. */
export interface Reference {
  readonly edges: readonly number[]
  readonly counts: readonly number[]
  readonly missing: number
}

export interface ReferenceProfile {
  /** In the order of the rows. */
  readonly features: readonly (Reference & { readonly name: string })[]
  readonly predictions: Reference
}

export interface Drift {
  /** Predictions that were looked at. */
  readonly count: number
  /** By feature; empty where there are too few predictions. */
  readonly features: ReadonlyMap<string, number>
  /** NaN where there are too few. */
  readonly predictions: number
  /** Values that the model does not know, of the predictions that were looked at; those that occurred. */
  readonly unknown: readonly UnknownCount[]
}

export interface UnknownKind {
  readonly field: string
  readonly reason: string
}

export interface UnknownCount extends UnknownKind {
  readonly count: number
}

/** Predictions; of fewer of them chance alone makes an index of (bins − 1) / predictions or so. */
export const MIN_DRIFT_COUNT = 200
/** The window moves on by one of them at a time. */
const PANES = 12
/** Added to each bin, so that an empty one is no infinite index. */
const PSEUDO_COUNT = 0.5

export class DriftWindow {
  readonly #columns: readonly Column[]
  readonly #names: readonly string[]
  readonly #kinds: readonly UnknownKind[]
  readonly #panes: Pane[]
  readonly #paneMs: number

  /** @param kinds of unknown values, which `add` names by index */
  constructor(
    { features, predictions }: ReferenceProfile,
    windowMs: number,
    kinds: readonly UnknownKind[] = [],
  ) {
    let start = 0
    this.#columns = [...features, predictions].map((reference) => {
      const column = columnOf(reference, start)
      start += column.reference.length
      return column
    })
    this.#names = features.map(({ name }) => name)
    this.#kinds = kinds
    this.#paneMs = windowMs / PANES
    this.#panes = Array.from({ length: PANES }, () => ({
      turn: -1,
      count: 0,
      bins: new Uint32Array(start),
      unknown: new Uint32Array(kinds.length),
    }))
  }

  /**
   * @param row the features, in the profile's order
   * @param unknown the kinds of unknown values that the install has
   */
  add(row: Float64Array, prediction: number, nowMs: number, unknown: readonly number[] = []): void {
    const { bins, unknown: counts } = this.#pane(nowMs)
    for (const kind of unknown) counts[kind]!++
    const last = this.#columns.length - 1
    for (let i = 0; i < last; i++) bins[binOf(this.#columns[i]!, row[i]!)]!++
    bins[binOf(this.#columns[last]!, prediction)]!++
  }

  drift(nowMs: number): Drift {
    const turn = Math.floor(nowMs / this.#paneMs)
    const panes = this.#panes.filter((pane) => pane.turn > turn - PANES)
    const count = panes.reduce((sum, pane) => sum + pane.count, 0)
    const unknown = this.#kinds
      .map((kind, at) => ({ ...kind, count: panes.reduce((sum, pane) => sum + pane.unknown[at]!, 0) }))
      .filter((kind) => kind.count > 0)
    if (count < MIN_DRIFT_COUNT) return { count, features: new Map(), predictions: NaN, unknown }
    const indexes = this.#columns.map(({ start, reference }) =>
      psi(
        reference,
        reference.map((_, bin) => panes.reduce((sum, { bins }) => sum + bins[start + bin]!, 0)),
      ),
    )
    return {
      count,
      features: new Map(this.#names.map((name, at) => [name, indexes[at]!])),
      predictions: indexes.at(-1)!,
      unknown,
    }
  }

  #pane(nowMs: number): Pane {
    const turn = Math.floor(nowMs / this.#paneMs)
    const pane = this.#panes[turn % PANES]!
    if (pane.turn !== turn) {
      pane.turn = turn
      pane.count = 0
      pane.bins.fill(0)
      pane.unknown.fill(0)
    }
    pane.count++
    return pane
  }
}

interface Pane {
  turn: number
  count: number
  readonly bins: Uint32Array
  readonly unknown: Uint32Array
}

interface Column {
  readonly edges: Float64Array
  /** Where its bins begin. */
  readonly start: number
  /** Counts of its bins; the last one is that of missing values. */
  readonly reference: readonly number[]
}

function columnOf({ edges, counts, missing }: Reference, start: number): Column {
  return { edges: Float64Array.from(edges), start, reference: [...counts, missing] }
}

function binOf({ edges, start }: Column, value: number): number {
  if (Number.isNaN(value)) return start + edges.length + 1
  let at = 0
  while (at < edges.length && value > edges[at]!) at++
  return start + at
}

/** Of counts over the same bins. */
export function psi(reference: readonly number[], live: readonly number[]): number {
  const bins = reference.flatMap((count, bin) => (count > 0 || live[bin]! > 0 ? [bin] : []))
  const shares = (counts: readonly number[]): number[] => {
    const total = bins.reduce((sum, bin) => sum + counts[bin]! + PSEUDO_COUNT, 0)
    return bins.map((bin) => (counts[bin]! + PSEUDO_COUNT) / total)
  }
  const expected = shares(reference)
  return shares(live).reduce(
    (sum, share, at) => sum + (share - expected[at]!) * Math.log(share / expected[at]!),
    0,
  )
}
