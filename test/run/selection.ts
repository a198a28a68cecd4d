/**
 * Arguments of the run → the test files that it runs, and the groups of Python packages that these need.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type Group, GROUPS } from '../../training/groups.ts'
import { importedBy } from './imports.ts'

export interface Selection {
  readonly long: boolean
  /** Paths from the project's folder. */
  readonly typescript: readonly string[]
  readonly python: readonly string[]
}

export class SelectionError extends Error {
  override readonly name = 'SelectionError'
}

const TYPESCRIPT = /(^|\/)test\/.*\.test\.ts$/
const PYTHON = /(^|\/)training\/tests\/test_\w+\.py$/

/** @throws SelectionError if a path is no test */
export function selectTests(args: readonly string[]): Selection {
  const long = args.includes('--long')
  const paths = args.filter((arg) => arg !== '--long')
  const option = paths.find((path) => path.startsWith('-'))
  if (option) throw new SelectionError(`Expected --long or paths of tests, got ${option}.`)
  const files = (paths.length > 0 ? paths : ['test', 'training/tests']).flatMap(testsIn)
  return {
    long,
    typescript: files.filter((file) => TYPESCRIPT.test(file)).filter((file) => !long || isLong(file)),
    python: files.filter((file) => PYTHON.test(file)),
  }
}

function testsIn(path: string): string[] {
  const file = relative('.', path)
  if (!existsSync(file))
    throw new SelectionError(
      `Expected the path of a test file or folder, got ${path}: there is no such file.`,
    )
  const isFolder = statSync(file).isDirectory()
  const all = isFolder
    ? readdirSync(file, { recursive: true, encoding: 'utf8' }).map((each) => join(file, each))
    : [file]
  const tests = all
    .filter((each) => !/node_modules|\.venv/.test(each))
    .filter((each) => TYPESCRIPT.test(each) || PYTHON.test(each))
    .toSorted()
  if (tests.length === 0)
    throw new SelectionError(`Expected tests, test/**/*.test.ts or training/tests/test_*.py, got ${path}.`)
  return tests
}

const isLong = (file: string): boolean => importedBy(file).has('test/long.ts')

export const needsPython = (file: string): boolean => importedBy(file).has('training/venv.ts')

/** Those of `servers.ts`. */
export const needsServers = (file: string): boolean => importedBy(file).has('test/run/servers.ts')

/** A test of Python says how to add what it needs; one of TypeScript adds it. */
const NEEDED = /(?:--with |makeVenv\()['"]?([\w, '-]+)/g

/** A long run has all of them. */
export function groupsOf({ long, typescript, python }: Selection): readonly Group[] {
  if (long) return GROUPS.filter((group) => group !== 'lint')
  const files = [...python, ...typescript.flatMap((file) => [...importedBy(file)])]
  const named = files
    .filter((file) => file !== 'training/venv.ts')
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(NEEDED)])
    .flatMap(([, names]) => names!.split(/[^\w-]+/))
  const needed = new Set(named)
  return GROUPS.filter((group) => needed.has(group))
}
