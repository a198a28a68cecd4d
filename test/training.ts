/**
 * Runs `python -m day7_training` in the environment of training/.
 */
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { PYTHON } from '../training/venv.ts'

const execute = promisify(execFile)

/** @returns what it printed @throws if its exit code is not 0 */
export function training(...args: string[]): Promise<string> {
  return trainings(args)
}

/** Calls the commands one after the other, until one fails. */
const RUN = `import json, sys
from day7_training.cli import main
for arguments in json.loads(sys.argv[1]):
    if code := main(arguments):
        sys.exit(code)`

/** Several commands in one process: Python takes three seconds to import what each of them needs. */
export async function trainings(...commands: readonly (readonly string[])[]): Promise<string> {
  // Tests run side by side: threads that wait for work must not spin on a core that another test needs.
  const env = { ...process.env, OMP_WAIT_POLICY: 'passive' }
  const { stdout } = await execute(PYTHON, ['-c', RUN, JSON.stringify(commands)], {
    cwd: resolve('training'),
    env,
  })
  return stdout
}
