/**
 * The last good bundles on disk, so that a registry that is away is missed by nobody, not even by a service that starts meanwhile.
 *
 *   models/<hash>/          a bundle, named by its manifest's hash; several processes share it
 *   models/champion.json    which of them was in service last, and where it came from
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Variant, VARIANTS } from './serving.ts'
import type { Kept } from './source.ts'

const TEMPORARY = 'incoming-'
/** What nobody names any more stays so long: another process may just be loading it. */
const KEPT_MS = 3_600_000
const NAME_CHARACTERS = 32
const ATTEMPTS = 5

export class BundleCache {
  readonly #home: string
  readonly #now: () => Date

  constructor(home: string, now: () => Date) {
    this.#home = home
    this.#now = now
  }

  /**
   * @param source as it was kept under: what came from another source is not meant
   * @returns null if nothing was kept, or what was kept cannot be read
   */
  async last(variant: Variant, source: string): Promise<Kept | null> {
    const note = await this.#noted(variant)
    return note?.source === source ? note : null
  }

  /** An empty folder to fetch into. */
  async begin(): Promise<string> {
    await mkdir(this.#home, { recursive: true, mode: 0o700 })
    return mkdtemp(join(this.#home, TEMPORARY))
  }

  /**
   * What was fetched is good: it is on the disk, has its place from now on, and is the last one of its variant. What lies there under the
   * same name may have been damaged, and goes.
   */
  async keep(variant: Variant, source: string, { id, origin, folder: fetched }: Kept): Promise<void> {
    const manifest = await readFile(join(fetched, 'manifest.json'))
    const name = createHash('sha256').update(manifest).digest('hex').slice(0, NAME_CHARACTERS)
    await toDisk(fetched)
    await this.#move(fetched, join(this.#home, name))
    await this.#note(variant, { source, id, origin, folder: name })
    await this.#tidy()
  }

  async discard(folder: string): Promise<void> {
    await rm(folder, { recursive: true, force: true })
  }

  /** Nothing is to be served there after the next start. */
  async forget(variant: Variant): Promise<void> {
    await rm(this.#noteOf(variant), { force: true })
  }

  /** What was kept there is no good: it is to be fetched again. Where another variant has the same, that one will find out too. */
  async spoil(variant: Variant): Promise<void> {
    const note = await this.#noted(variant)
    await this.forget(variant)
    if (note && !(await this.#isNamed(note.folder))) await this.discard(note.folder)
  }

  /** In place of what is there, which other processes may just be reading: their open files stay. */
  async #move(fetched: string, place: string): Promise<void> {
    for (let attempt = 1; ; attempt++)
      try {
        return await rename(fetched, place)
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException
        // Another process may put its own there between the two.
        if (attempt === ATTEMPTS || !['ENOTEMPTY', 'EEXIST'].includes(code)) throw error
        const old = await this.begin()
        await rename(place, join(old, 'old')).catch(() => {})
        await this.discard(old)
      }
  }

  async #isNamed(folder: string): Promise<boolean> {
    const notes = await Promise.all(VARIANTS.map((variant) => this.#noted(variant)))
    return notes.some((note) => note?.folder === folder)
  }

  async #noted(variant: Variant): Promise<(Kept & { readonly source: string }) | null> {
    try {
      const { source, id, origin, folder } = JSON.parse(await readFile(this.#noteOf(variant), 'utf8'))
      if (![source, id, origin, folder].every((text) => typeof text === 'string')) return null
      if (basename(folder) !== folder) return null
      return { source, id, origin, folder: join(this.#home, folder) }
    } catch {
      return null
    }
  }

  #noteOf(variant: Variant): string {
    return join(this.#home, `${variant}.json`)
  }

  async #note(variant: Variant, note: object): Promise<void> {
    const file = this.#noteOf(variant)
    const written = `${file}.${randomUUID()}`
    await writeFile(written, JSON.stringify(note))
    await rename(written, file)
  }

  async #tidy(): Promise<void> {
    for (const entry of await readdir(this.#home, { withFileTypes: true })) {
      const folder = join(this.#home, entry.name)
      if (!entry.isDirectory() || (await this.#isNamed(folder))) continue
      const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Infinity }))
      if (this.#now().getTime() - mtimeMs > KEPT_MS) await this.discard(folder)
    }
  }
}

async function toDisk(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = await open(join(folder, name))
    try {
      await file.sync()
    } finally {
      await file.close()
    }
  }
}
