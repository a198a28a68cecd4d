/**
 * A path → the files that it stands for: one file, a folder, or a glob of part files. Folders and globs are read as Spark, BigQuery and
 * DuckDB write them: in the order of names, without files and folders that begin with `_` or `.`; a folder such as `country=es` is a
 * column. Training does the same (training/day7_training/data/parts.py).
 */
import { glob, readdir, stat } from 'node:fs/promises'
import { dirname, join, parse, relative, sep } from 'node:path'
import { InputError } from '../formats/index.ts'
import type { ToldColumn } from './told-columns.ts'

export interface Part {
  readonly path: string
  /** Columns that the path tells. */
  readonly told: readonly ToldColumn[]
  /** Infinity of what is no file, such as a pipe. */
  readonly bytes: number
}

const WILDCARD = /[*?[]/
/** What Hive and Spark write for null. */
const NULL_PARTITION = '__HIVE_DEFAULT_PARTITION__'

/** A file that is not there is one all the same: whoever opens it says so. @throws InputError */
export async function findParts(path: string): Promise<readonly Part[]> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (found?.isDirectory()) {
    const parts = await partsIn(await filesBelow(path), path)
    if (parts.length === 0) throw new InputError(`expected part files in the folder ${path}, found none`)
    return parts
  }
  if (found) return [{ path, told: [], bytes: found.isFile() ? found.size : Infinity }]
  if (!WILDCARD.test(path)) return [{ path, told: [], bytes: 0 }]
  const files = new Set<string>()
  for await (const each of glob(path)) {
    if (relative(fixedPart(path), each).split(sep).some(isPassedOver)) continue
    const isFolder = (await stat(each)).isDirectory()
    for (const file of isFolder ? await filesBelow(each) : [each]) files.add(file)
  }
  if (files.size === 0) throw new InputError(`expected files that match ${path}, found none`)
  // Partitions are told by the whole path: part of a glob may be typed out.
  return partsIn([...files], '')
}

/** The folder that the wildcards are in. */
function fixedPart(pattern: string): string {
  const folders = pattern.split(sep)
  return (
    folders
      .slice(
        0,
        folders.findIndex((folder) => WILDCARD.test(folder)),
      )
      .join(sep) || parse(pattern).root
  )
}

async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = []
  for (const name of await readdir(folder)) {
    if (isPassedOver(name)) continue
    const path = join(folder, name)
    if ((await stat(path)).isDirectory()) files.push(...(await filesBelow(path)))
    else files.push(path)
  }
  return files
}

const isPassedOver = (name: string): boolean =>
  name.startsWith('.') || (name.startsWith('_') && !name.includes('='))

async function partsIn(files: readonly string[], root: string): Promise<Part[]> {
  const parts: Part[] = []
  for (const path of files.toSorted(byCodePoints)) {
    const found = await stat(path)
    parts.push({ path, told: toldBy(path, root), bytes: found.isFile() ? found.size : Infinity })
  }
  const [first] = parts
  for (const part of parts) {
    const [expected, actual] = [first!, part].map(({ told }) => told.map(({ name }) => name).join(', '))
    if (expected !== actual)
      throw new InputError(
        `${part.path}: expected the partitions ${expected || 'none'} as of ${first!.path}, got ${actual || 'none'}`,
      )
  }
  return parts
}

/** As Python sorts; by units of UTF-16 some emoji would come before other characters. */
const byCodePoints = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

function toldBy(path: string, root: string): ToldColumn[] {
  const folders = dirname(root === '' ? path : relative(root, path)).split(sep)
  const told = folders.flatMap((folder) => {
    const at = folder.indexOf('=')
    if (at < 1) return []
    const value = folder.slice(at + 1)
    return [{ name: unescaped(folder.slice(0, at)), cell: value === NULL_PARTITION ? '' : unescaped(value) }]
  })
  if (new Set(told.map(({ name }) => name)).size < told.length)
    throw new InputError(`${path}: expected every column once, got one of its path twice`)
  return told
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
