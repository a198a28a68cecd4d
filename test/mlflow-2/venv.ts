/**
 * The hashed lock file → a Python environment of its own with a server of MLflow 2, made when it is first asked for. Needs Python 3.11
 * or later on the machine; nothing is installed outside the folder.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = import.meta.dirname
const VENVS = join(FOLDER, '.venv')
const LOCK = join(FOLDER, 'requirements.lock')

/**
 * Test files run side by side and may all ask at once: each makes its own and the first to be ready stays.
 * @returns the interpreter
 * @throws Error if no Python is new enough or the installation fails
 */
export function pythonWithMlflow2(): string {
  const venv = join(VENVS, createHash('sha256').update(readFileSync(LOCK)).digest('hex').slice(0, 16))
  if (!existsSync(venv)) make(venv)
  return join(venv, 'bin', 'python')
}

function make(venv: string): void {
  const making = `${venv}-${process.pid}`
  mkdirSync(VENVS, { recursive: true })
  execFileSync(findPython(), ['-m', 'venv', making])
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--require-hashes']
  // The lock file has all of them already, and a module is compiled where it is first imported.
  const less = ['--no-deps', '--no-compile']
  execFileSync(join(making, 'bin', 'python'), [...install, ...less, '-r', LOCK], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  try {
    renameSync(making, venv)
  } catch {
    rmSync(making, { recursive: true })
  }
}

function findPython(): string {
  const isNewEnough = 'import sys; sys.exit(sys.version_info < (3, 11))'
  for (const python of ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11'])
    if (spawnSync(python, ['-c', isNewEnough]).status === 0) return python
  throw new Error('expected Python 3.11 or later as python3 or python, found none')
}

if (import.meta.main) console.log(pythonWithMlflow2())
