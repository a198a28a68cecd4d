/**
 * An alias of a registered model as a source: the version that it points to. Asked with the ETag of the last answer, where the server
 * or a proxy gave one. What was fetched and found good is kept on disk.
 */
import type { BundleCache } from './cache.ts'
import type { Variant } from './serving.ts'
import type { BundleSource, Fetched, Found, Kept } from './source.ts'

/** What is asked of the registry. */
export interface Registry {
  /** @returns `changed: false` where the ETag still holds; a version of null: there is no such alias, or no such model */
  pollAlias(
    name: string,
    alias: string,
    previous?: { readonly etag: string | null },
  ): Promise<
    | { readonly changed: false }
    | {
        readonly changed: true
        readonly modelVersion: RegisteredVersion | null
        readonly etag: string | null
      }
  >
  /** Into an empty folder. */
  download(version: RegisteredVersion, folder: string, signal: AbortSignal): Promise<void>
}

export interface RegisteredVersion {
  readonly name: string
  readonly version: string
  /** In the registry; it changes with the version's tags. */
  readonly updatedMs: number | null
  readonly tags: ReadonlyMap<string, string>
}

export interface RegistrySourceOptions {
  readonly registry: Registry
  /** Which server it is, without credentials: what was kept of another one is not meant. */
  readonly server: string
  /** Of the registered model. */
  readonly name: string
  /** The alias that is followed. */
  readonly variant: Variant
  readonly cache: BundleCache
}

/** A download that takes longer has come to a standstill. */
const DOWNLOAD_LIMIT_MS = 600_000

export class RegistrySource implements BundleSource {
  readonly #options: RegistrySourceOptions
  readonly #key: string
  #etag: string | null = null
  #found: Found | null = null

  constructor(options: RegistrySourceOptions) {
    this.#options = options
    this.#key = `${options.server} models:/${options.name}@${options.variant}`
  }

  async look(): Promise<Found | null> {
    const { registry, name, variant } = this.#options
    const poll = await registry.pollAlias(name, variant, { etag: this.#etag })
    if (!poll.changed) return this.#found
    this.#found = poll.modelVersion && this.#foundOf(poll.modelVersion)
    this.#etag = poll.etag
    return this.#found
  }

  last(): Promise<Kept | null> {
    return this.#options.cache.last(this.#options.variant, this.#key)
  }

  forget(): Promise<void> {
    return this.#options.cache.forget(this.#options.variant)
  }

  spoil(): Promise<void> {
    return this.#options.cache.spoil(this.#options.variant)
  }

  #foundOf(version: RegisteredVersion): Found {
    const origin = `models:/${version.name}/${version.version}`
    const id = `${origin} ${version.updatedMs}`
    return { id, origin, fetch: (signal) => this.#fetch(version, id, origin, signal) }
  }

  async #fetch(
    version: RegisteredVersion,
    id: string,
    origin: string,
    signal: AbortSignal,
  ): Promise<Fetched> {
    const { registry, cache, variant } = this.#options
    const folder = await cache.begin()
    const discard = (): Promise<void> => cache.discard(folder)
    try {
      const limit = AbortSignal.timeout(DOWNLOAD_LIMIT_MS)
      await registry.download(version, folder, AbortSignal.any([signal, limit]))
    } catch (error) {
      await discard()
      throw error
    }
    return { folder, keep: () => cache.keep(variant, this.#key, { id, origin, folder }), discard }
  }
}
