/**
 * Documents as tests read them: their blocks of code, to be run as they stand there.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { PYTHON_ENVIRONMENT } from './training.ts'

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
