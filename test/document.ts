/**
 * Documents as tests read them: their blocks of code, to be run as they stand there.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { keyOf, templateOf } from './template.ts'
import { MAKERS, PYTHON_ENVIRONMENT } from './training.ts'

export interface Block {
  readonly language: string
  readonly text: string
}

export const blocksOf = (file: string): readonly Block[] =>
  [...readFileSync(file, 'utf8').matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language, text]) => ({
    language: language!,
    text: text!,
  }))

/** The one block that holds the text. */
export function blockOf(file: string, holding: string): string {
  const found = blocksOf(file).filter(({ text }) => text.includes(holding))
  if (found.length !== 1)
    throw new Error(`${file}: expected one block with "${holding}", found ${found.length}`)
  return found[0]!.text
}

/** @returns what it printed. @throws if a command of it fails */
export async function shell(script: string, settings: NodeJS.ProcessEnv = {}): Promise<string> {
  const env = { ...process.env, ...PYTHON_ENVIRONMENT, ...settings }
  return (await promisify(execFile)('bash', ['-euc', script], { maxBuffer: 1e8, env })).stdout
}

interface Trained {
  /** What stands for /tmp. It is not to be changed. */
  readonly folder: string
  /** With paths in /tmp. */
  readonly printed: string
}

const PRINTED = 'printed.txt'

/**
 * Commands of `python -m day7_training`, in a folder that stands for their /tmp. They are run again when they, the sources of training/, its
 * packages or the files that they read have changed.
 */
export async function trainedBy(
  name: string,
  script: string,
  read: readonly string[] = [],
): Promise<Trained> {
  const made = await templateOf(`document-${name}`, keyOf([...MAKERS, ...read], script), async (making) => {
    mkdirSync(making, { recursive: true })
    const home = resolve(making)
    const printed = await shell(script.replaceAll('/tmp/', `${home}/`))
    writeFileSync(join(making, PRINTED), printed.replaceAll(`${home}/`, '/tmp/'))
  })
  const folder = resolve(made)
  return { folder, printed: readFileSync(join(folder, PRINTED), 'utf8') }
}

/** @returns what is done in training/, and what after it */
export function splitAtTraining(script: string): [string, string] {
  const end = script.indexOf('cd ..\n')
  if (!script.includes('cd training\n') || end === -1)
    throw new Error(`expected "cd training" and "cd ..", got ${script}`)
  return [script.slice(0, end), script.slice(end + 'cd ..\n'.length)]
}
