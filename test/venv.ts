/**
 * A hashed lock file → a Python environment beside it, made when it is first asked for. Needs Python 3.11 or later on the machine;
 * nothing is installed outside the folder.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { installLocked, makeEmptyVenv } from '../training/venv.ts'

/**
 * Test files run side by side and may all ask at once: each makes its own and the first to be ready stays.
 * @returns the interpreter
 * @throws VenvError if no Python is new enough or the installation fails
 */
export function pythonWith(lock: string): string {
  const venvs = join(dirname(lock), '.venv')
  const venv = join(venvs, createHash('sha256').update(readFileSync(lock)).digest('hex').slice(0, 16))
  if (!existsSync(venv)) make(venv, lock)
  return join(venv, 'bin', 'python')
}

function make(venv: string, lock: string): void {
  const making = `${venv}-${process.pid}`
  makeEmptyVenv(making)
  installLocked(making, lock)
  try {
    renameSync(making, venv)
  } catch {
    rmSync(making, { recursive: true })
  }
}
