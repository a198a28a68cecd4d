/**
 * Whose files are whose in a spool folder that several processes share. Every process writes under a name of its own,
 *
 *   NAME.lock                 a socket that it listens on as long as it lives
 *   NAME-000001.v2.segment    its segments
 *   NAME-000002.segment       one whose lines have nine columns of inputs (nine-columns.ts), left by an earlier release
 *
 * and never under that of another. A name whose lock nobody answers at belongs to a process that is gone: whoever renames one
 * of its segments first has it, and a name is never used again, so that nothing is taken from a process that lives.
 */
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { answersAt, listenAt } from '../../database/index.ts'
import { timeOf } from './line.ts'

const FILE = /^(.+?)(?:-\d+(\.v2)?\.segment|\.lock)$/
const SUFFIX = '.v2.segment'
const SUFFIX_OF_NINE_COLUMNS = '.segment'
/** The folder for what is no record; made at once, for there may be no room for it later. */
export const QUARANTINE = 'quarantine'
/** Whether the lines of a segment are as nine-columns.ts has them. */
export const hasNineColumns = (path: string): boolean =>
  path.endsWith(SUFFIX_OF_NINE_COLUMNS) && !path.endsWith(SUFFIX)

/** A lock is a file for a moment before anybody answers at it. */
const LOCK_SETTLES_MS = 60_000

export interface Owner {
  /** Path for the next segment. */
  nextPath(): string
  /**
   * Takes over the segments of processes that are gone, one after the other: one that cannot be taken keeps no other from it.
   * @throws Error if the folder cannot be read
   */
  adopt(): Promise<Adoption>
  /** Gives the name up: segments that still lie there are free to be taken over. */
  release(): void
}

export interface Adoption {
  /** Oldest first. */
  readonly adopted: readonly Leftover[]
  readonly stranded: readonly Stranded[]
}

export interface Leftover {
  readonly path: string
  readonly bytes: number
  /** When its first line was made, in ms since 1970. */
  readonly oldestMs: number
}

/** A segment of a process that is gone, or that cannot be asked, and that cannot be taken over. It is tried again. */
export interface Stranded {
  readonly path: string
  readonly bytes: number
  readonly error: NodeJS.ErrnoException
}

/**
 * @param name that no other process ever has
 * @throws Error if the folder cannot be made or written to
 */
export async function claim(folder: string, name: string): Promise<Owner> {
  await makeFolders(folder)
  const lock: Server = await listenAt(join(folder, `${name}.lock`))
  let segments = 0
  const nextPath = (suffix = SUFFIX): string =>
    join(folder, `${name}-${String(++segments).padStart(6, '0')}${suffix}`)

  return {
    nextPath: () => nextPath(),
    release: () => void lock.close(),
    async adopt() {
      const files = (await readdir(folder)).toSorted()
      const names = new Set(files.flatMap((file) => FILE.exec(file)?.[1] ?? []))
      const adopted: Leftover[] = []
      const stranded: Stranded[] = []
      for (const other of names) {
        if (other === name) continue
        const lockPath = join(folder, `${other}.lock`)
        const segments = files.filter((file) => FILE.exec(file)?.[1] === other && file.endsWith('.segment'))
        const lives = await answersAt(lockPath).catch((error: NodeJS.ErrnoException) => error)
        if (lives === true) continue
        for (const segment of segments) {
          const from = join(folder, segment)
          try {
            if (lives instanceof Error) throw lives
            const to = nextPath(hasNineColumns(segment) ? SUFFIX_OF_NINE_COLUMNS : SUFFIX)
            // Before it is renamed: what bears our name can be read, and is never forgotten.
            const left = await read(from)
            await rename(from, to)
            adopted.push({ ...left, path: to })
          } catch (error) {
            // One that is no longer there is with another process.
            if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
              stranded.push({ path: from, bytes: await sizeOf(from), error: error as Error })
          }
        }
        if (lives === false && (await isSettled(lockPath))) await rm(lockPath).catch(() => {})
      }
      return { adopted, stranded }
    },
  }
}

async function read(path: string): Promise<Omit<Leftover, 'path'>> {
  const file = await open(path)
  try {
    const { size, mtimeMs } = await file.stat()
    const { buffer } = await file.read(Buffer.alloc(64), 0, 64, 0)
    return { bytes: size, oldestMs: timeOf(buffer) || mtimeMs }
  } finally {
    await file.close()
  }
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  )

/** Where the recursive call fails it does not say why; the plain ones do. */
async function makeFolders(folder: string): Promise<void> {
  const options = { recursive: true, mode: 0o700 }
  await mkdir(join(folder, QUARANTINE), options).catch(async () => {
    await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    await mkdir(join(folder, QUARANTINE))
  })
}

async function isSettled(path: string): Promise<boolean> {
  const file = await stat(path).catch(() => undefined)
  return file !== undefined && Date.now() - file.mtimeMs > LOCK_SETTLES_MS
}
