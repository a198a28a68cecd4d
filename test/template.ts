/**
 * A folder that takes seconds of a core to make is made once and kept with the packages, until what makes it has changed.
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
/** Written beside sources by those who only run them. */
const NO_SOURCE = /^(__pycache__|\.)/

/**
 * @param name says what is in it
 * @param key another one says that it is made anew
 * @param make is given the path of a folder that it makes
 * @returns its path; it is not to be changed
 */
export async function templateOf(
  name: string,
  key: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const template = join(CACHE, `${name}-${key}`)
  if (!existsSync(template)) await makeTemplate(template, name, make)
  return template
}

/** @param to where a copy is put: nothing is there yet, and its parent exists */
export async function copyTemplate(
  name: string,
  key: string,
  make: (folder: string) => Promise<void>,
  to: string,
): Promise<void> {
  copy(await templateOf(name, key, make), to)
}

/** Test files run side by side: the first one that is ready stays. */
async function makeTemplate(
  template: string,
  name: string,
  make: (folder: string) => Promise<void>,
): Promise<void> {
  mkdirSync(CACHE, { recursive: true })
  const making = mkdtempSync(join(CACHE, 'making-'))
  const older = readdirSync(CACHE).filter((other) => other.startsWith(`${name}-`))
  try {
    await make(join(making, 'made'))
    renameSync(join(making, 'made'), template)
    for (const other of older) rmSync(join(CACHE, other), { recursive: true, force: true })
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

/** A key for what is in the files and folders, and for what else it depends on. */
export function keyOf(paths: readonly string[], others: unknown = null): string {
  const hash = createHash('sha256').update(JSON.stringify(others))
  const add = (path: string): void => {
    if (!statSync(path).isDirectory()) hash.update(`\0${path}\0`).update(readFileSync(path))
    else for (const name of readdirSync(path).toSorted()) if (!NO_SOURCE.test(name)) add(join(path, name))
  }
  for (const path of paths) add(path)
  return hash.digest('hex').slice(0, 16)
}
