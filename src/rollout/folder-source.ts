/**
 * A folder on disk as a source: what lies in it, once it has stopped changing. Files are compared by name, size and time, which costs
 * nothing; what they hold is compared by hash when it is verified.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { BundleSource, Fetched, Found } from './source.ts'

/** A folder that has not changed for so long is not being written. */
const SETTLED_MS = 500
/** One that is written for longer is looked at the next time. */
const LOOKS = 20

export class FolderSource implements BundleSource {
  readonly #folder: string
  /** What the last look saw. */
  #seen = ''
  #found: Found | null = null

  constructor(folder: string) {
    this.#folder = folder
  }

  async look(signal: AbortSignal): Promise<Found | null> {
    const seen = await this.#facts()
    if (this.#found !== null) {
      // What was there before is meant as long as files are being written.
      if (seen === this.#seen || !(await this.#settles(seen, signal))) return this.#found
    }
    this.#seen = await this.#facts()
    this.#found = await this.#describe()
    return this.#found
  }

  /** The folder itself is there at the next start. */
  async last(): Promise<null> {
    return null
  }

  async forget(): Promise<void> {}

  async spoil(): Promise<void> {}

  async #settles(first: string, signal: AbortSignal): Promise<boolean> {
    for (let look = 0, seen = first; look < LOOKS; look++) {
      await delay(SETTLED_MS, undefined, { signal })
      const now = await this.#facts()
      if (now === seen) return true
      seen = now
    }
    return false
  }

  async #facts(): Promise<string> {
    const entries = await readdir(this.#folder, { withFileTypes: true })
    const names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name)
    const facts = await Promise.all(
      names.toSorted().map(async (name) => {
        const { size, mtimeMs, ino } = await stat(join(this.#folder, name))
        return [name, size, mtimeMs, ino]
      }),
    )
    return JSON.stringify(facts)
  }

  async #describe(): Promise<Found> {
    const folder = this.#folder
    // A folder without a manifest is no bundle, which is found out when it is verified.
    const manifest = await readFile(join(folder, 'manifest.json')).catch(() => '')
    const content = createHash('sha256').update(manifest).update(this.#seen).digest('hex')
    const fetched: Fetched = { folder, keep: async () => {}, discard: async () => {} }
    return { id: `${folder} ${content}`, origin: folder, fetch: async () => fetched }
  }
}
