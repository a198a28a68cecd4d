/**
 * Makes `training/.venv` from the hashed lock file, if it is not there yet or the lock file has changed. Needs Python 3.11 or
 * later on the machine; nothing is installed outside the folder.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = import.meta.dirname
const VENV = join(FOLDER, '.venv')
const LOCK = join(FOLDER, 'requirements.lock')
const STAMP = join(VENV, 'requirements.sha256')

/** The environment's interpreter. */
export const PYTHON = join(VENV, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')

/** @throws Error if no Python is new enough or the installation fails */
export function makeVenv(): void {
  const lock = createHash('sha256').update(readFileSync(LOCK)).digest('hex')
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lock) return
  rmSync(VENV, { recursive: true, force: true })
  run(findPython(), ['-m', 'venv', VENV])
  run(PYTHON, [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '--require-hashes',
    '-r',
    LOCK,
  ])
  writeFileSync(STAMP, lock)
}

function findPython(): string {
  const isNewEnough = 'import sys; sys.exit(sys.version_info < (3, 11))'
  for (const python of ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11'])
    if (spawnSync(python, ['-c', isNewEnough]).status === 0) return python
  throw new Error('expected Python 3.11 or later as python3 or python, found none')
}

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${status}`, { cause: error })
}

if (import.meta.main) makeVenv()
