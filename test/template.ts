/**
 * A folder that takes seconds of a core to make is made once and kept with the packages; a test gets a copy.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'

const CACHE = 'node_modules/.cache/day7-test'

/**
 * @param name says what is in it: another version of what makes it needs another name
 * @param make is given the path of a folder that it makes
 * @param to where the copy is put: nothing is there yet, and its parent exists
 */
export async function copyTemplate(
  name: string,
  make: (folder: string) => Promise<void>,
  to: string,
): Promise<void> {
  const template = join(CACHE, name)
  if (!existsSync(template)) await makeTemplate(template, make)
  copy(template, to)
}

/** Test files run side by side: the first one that is ready stays. */
async function makeTemplate(template: string, make: (folder: string) => Promise<void>): Promise<void> {
  mkdirSync(CACHE, { recursive: true })
  const making = mkdtempSync(join(CACHE, 'making-'))
  try {
    await make(join(making, 'made'))
    renameSync(join(making, 'made'), template)
  } catch (error) {
    if (!existsSync(template)) throw error
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
}

/** With owners and modes, which `cpSync` leaves behind. */
export function copy(from: string, to: string): void {
  execFileSync('cp', ['-a', from, to])
}

/** A name for what is in the files and folders. */
export function contentOf(...paths: readonly string[]): string {
  const hash = createHash('sha256')
  const add = (path: string): void => {
    if (statSync(path).isDirectory()) for (const name of readdirSync(path).toSorted()) add(join(path, name))
    else hash.update(`${path}\0`).update(readFileSync(path)).update('\0')
  }
  for (const path of paths) add(path)
  return hash.digest('hex').slice(0, 16)
}
