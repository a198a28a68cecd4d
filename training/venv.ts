/**
 * Makes `training/.venv` from the hashed lock file, if it is not there yet or the lock file has changed; with `--spark` adds Spark to
 * it. Needs Python 3.11 or later on the machine; nothing is installed outside the folder.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = import.meta.dirname
const VENV = join(FOLDER, '.venv')

interface Packages {
  readonly lock: string
  /** In the environment: the hash of the lock file that was installed. */
  readonly stamp: string
}
const PACKAGES: Packages = { lock: 'requirements.lock', stamp: 'requirements.sha256' }
/** What only long tests need, on top of the others. */
const SPARK: Packages = { lock: 'requirements-spark.lock', stamp: 'requirements-spark.sha256' }

/** The lock file has all of them already, and a module is compiled where it is first imported. */
export const PIP_INSTALL = [
  ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--require-hashes'],
  ...['--no-deps', '--no-compile'],
]

/** The environment's interpreter. */
export const PYTHON = join(VENV, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')

/** @throws Error if no Python is new enough or the installation fails */
export function makeVenv(): void {
  if (isInstalled(PACKAGES)) return
  rmSync(VENV, { recursive: true, force: true })
  run(findPython(), ['-m', 'venv', VENV])
  install(PACKAGES)
}

export function addSpark(): void {
  if (!isInstalled(SPARK)) install(SPARK)
}

const hashOf = ({ lock }: Packages): string =>
  createHash('sha256')
    .update(readFileSync(join(FOLDER, lock)))
    .digest('hex')

function isInstalled(packages: Packages): boolean {
  const stamp = join(VENV, packages.stamp)
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === hashOf(packages)
}

function install(packages: Packages): void {
  run(PYTHON, [...PIP_INSTALL, '-r', join(FOLDER, packages.lock)])
  writeFileSync(join(VENV, packages.stamp), hashOf(packages))
}

/** @throws Error if there is none that is new enough */
export function findPython(): string {
  const isNewEnough = 'import sys; sys.exit(sys.version_info < (3, 11))'
  for (const python of ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11'])
    if (spawnSync(python, ['-c', isNewEnough]).status === 0) return python
  throw new Error('expected Python 3.11 or later as python3 or python, found none')
}

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${status}`, { cause: error })
}

if (import.meta.main) {
  makeVenv()
  if (process.argv.includes('--spark')) addSpark()
}
