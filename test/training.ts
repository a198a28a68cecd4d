/**
 * Runs `python -m day7_training` in the environment of training/.
 */
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { PYTHON } from '../training/venv.ts'

const execute = promisify(execFile)

/** @returns what it printed @throws if its exit code is not 0 */
export async function training(...args: string[]): Promise<string> {
  // Tests run side by side: threads that wait for work must not spin on a core that another test needs.
  const env = { ...process.env, OMP_WAIT_POLICY: 'passive' }
  const { stdout } = await execute(PYTHON, ['-m', 'day7_training', ...args], {
    cwd: resolve('training'),
    env,
  })
  return stdout
}
