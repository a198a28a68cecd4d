/**
 * Makes `training/.venv` from hashed lock files: the base, and the groups that are asked for (`--with mlflow,dask`). What is installed
 * already stays; a base whose lock file has changed is made anew. Needs Python 3.11 or later on the machine.
 *
 * uv installs: the machine's own, or one that pip fetches into node_modules/.cache. Where neither works, pip does it all, in minutes
 * and not in seconds. Nothing is installed outside the project's folder.
 */
import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Group, GROUPS, listOf } from './groups.ts'
import { prune } from './prune.ts'

const FOLDER = import.meta.dirname
const VENV = join(FOLDER, '.venv')
const UV_CACHE = resolve(FOLDER, '../node_modules/.cache/day7-uv')
const IS_WINDOWS = process.platform === 'win32'

/** The environment's interpreter. */
export const PYTHON = interpreterIn(VENV)

/** @throws VenvError if no Python is new enough or the installation fails */
export function makeVenv(...groups: readonly Group[]): void {
  const missing = [undefined, ...groups].filter((group) => !isInstalled(group))
  if (missing.length === 0) return
  if (missing.includes(undefined)) {
    rmSync(VENV, { recursive: true, force: true })
    makeEmptyVenv(VENV)
  }
  for (const group of missing.includes(undefined) ? [undefined, ...groups] : missing) {
    installLocked(VENV, lockOf(group))
    writeFileSync(stampOf(group), hashOf(group))
  }
}

export class VenvError extends Error {
  readonly code = 'VENV_FAILED'
  override readonly name = 'VenvError'
}

const lockOf = (group?: Group): string => join(FOLDER, `${listOf(group)}.lock`)
/** In the environment: the hash of the lock file that was installed. */
const stampOf = (group?: Group): string => join(VENV, `${listOf(group)}.sha256`)
const hashOf = (group?: Group): string =>
  createHash('sha256')
    .update(readFileSync(lockOf(group)))
    .digest('hex')

function isInstalled(group?: Group): boolean {
  const stamp = stampOf(group)
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === hashOf(group)
}

function interpreterIn(venv: string): string {
  return join(venv, IS_WINDOWS ? 'Scripts/python.exe' : 'bin/python')
}

/** Without packages. @throws VenvError */
export function makeEmptyVenv(venv: string): void {
  mkdirSync(dirname(venv), { recursive: true })
  const python = findPython()
  const uv = findUv()
  if (uv) run(uv, ['venv', '--quiet', '--no-project', '--python', python, venv])
  else run(python, ['-m', 'venv', venv])
}

/** Installs exactly what the lock file lists. @throws VenvError */
export function installLocked(venv: string, lock: string): void {
  const python = interpreterIn(venv)
  const uv = findUv()
  if (uv)
    run(uv, ['pip', 'install', '--quiet', '--python', python, '--require-hashes', '--no-deps', '-r', lock])
  else run(python, [...PIP_INSTALL, '-r', lock])
  prune(venv)
}

/** The lock file has all dependencies already, and a module is compiled where it is first imported. */
const PIP_INSTALL = [
  ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--require-hashes'],
  ...['--no-deps', '--no-compile'],
]

let uv: string | null | undefined

/** @returns null if there is none, and pip cannot fetch it either */
function findUv(): string | null {
  return (uv ??= works('uv', ['--version']) ? 'uv' : fetchUv())
}

function fetchUv(): string | null {
  const fetched = join(UV_CACHE, 'bin', IS_WINDOWS ? 'uv.exe' : 'uv')
  if (works(fetched, ['--version'])) return fetched
  const lock = join(FOLDER, 'requirements-uv.lock')
  spawnSync(findPython(), [...PIP_INSTALL, '--target', UV_CACHE, '-r', lock], { stdio: 'ignore' })
  return works(fetched, ['--version']) ? fetched : null
}

/** @throws VenvError if there is none that is new enough */
export function findPython(): string {
  const isNewEnough = 'import sys; sys.exit(sys.version_info < (3, 11))'
  for (const python of ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11'])
    if (works(python, ['-c', isNewEnough])) return python
  throw new VenvError('Python 3.11 or later was not found as python3 or python: install it and try again.')
}

/** uv must neither bring a Python of its own nor write about its cache. */
const ENV = { ...process.env, UV_PYTHON_DOWNLOADS: 'never', UV_NO_PROGRESS: '1' }

function works(command: string, args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', env: ENV }).status === 0
}

function run(command: string, args: string[]): void {
  const result: SpawnSyncReturns<Buffer> = spawnSync(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: ENV,
  })
  if (result.status !== 0)
    throw new VenvError(
      `${command} ${args.join(' ')} ended with ${result.status ?? result.signal ?? result.error}`,
    )
}

if (import.meta.main) {
  const asked = process.argv
    .slice(2)
    .join(' ')
    .match(/^(?:--with[ =](.+))?$/)
  const groups = asked?.[1]?.split(/[ ,]+/) ?? []
  const unknown = groups.filter((group) => !GROUPS.includes(group as Group))
  try {
    if (!asked || unknown.length > 0)
      throw new VenvError(
        `expected nothing or --with and groups of ${GROUPS.join(', ')}, got ${process.argv.slice(2).join(' ')}`,
      )
    makeVenv(...(groups as Group[]))
  } catch (error) {
    if (!(error instanceof VenvError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
