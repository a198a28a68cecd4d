/**
 * Runs `python -m day7_training` in the environment of training/.
 */
import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { PYTHON } from '../training/venv.ts'
import { keyOf, templateOf } from './template.ts'

const execute = promisify(execFile)

/** Calls the commands one after the other, until one fails. */
const RUN = `import json, sys
from day7_training.cli import main
for arguments in json.loads(sys.argv[1]):
    if code := main(arguments):
        sys.exit(code)`

/** Tests run side by side: threads that wait for work must not spin on a core that another test needs. */
export const PYTHON_ENVIRONMENT = {
  OMP_WAIT_POLICY: 'passive',
  // Without what it has compiled before, Python takes four times as long to start.
  PYTHONDONTWRITEBYTECODE: '',
}

/**
 * Several commands in one process: Python takes two seconds to import what each of them needs.
 * @returns what they printed @throws if the exit code of one is not 0
 */
export async function trainings(...commands: readonly (readonly string[])[]): Promise<string> {
  const { stdout } = await execute(PYTHON, ['-c', RUN, JSON.stringify(commands)], {
    cwd: resolve('training'),
    env: { ...process.env, ...PYTHON_ENVIRONMENT },
  })
  return stdout
}

/** Of what Python makes. */
export const MAKERS = ['training/day7_training', 'training/requirements.lock']

/**
 * A folder with what commands have written, which is made anew when they, the sources of training/ or its packages have changed.
 * @param commands is given the path of the folder, and says what is to be run, one after the other
 * @returns its path; it is not to be changed
 */
export async function trained(
  name: string,
  commands: (folder: string) => readonly (readonly string[])[],
): Promise<string> {
  return resolve(
    await templateOf(`trained-${name}`, keyOf(MAKERS, commands('')), async (folder) => {
      mkdirSync(folder, { recursive: true })
      await trainings(...commands(resolve(folder)))
    }),
  )
}
