/**
 * A Dockerfile → its stages, each a list of instructions: what a test needs to ask it. No parser of everything that may stand in one.
 */
import { readFileSync } from 'node:fs'

export interface Instruction {
  /** Upper case. */
  readonly name: string
  /** All on one line, as a shell would read it. */
  readonly text: string
}

export interface Stage {
  readonly base: string
  readonly name: string | null
  readonly instructions: readonly Instruction[]
}

export function readStages(path: string): Stage[] {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
  const stages: (Stage & { instructions: Instruction[] })[] = []
  for (const line of lines) {
    const [, name, text] = /^(\w+)\s+(.*)$/.exec(line)!
    if (name!.toUpperCase() === 'FROM') {
      const [base, , stage] = text!.split(/\s+/)
      stages.push({ base: base!, name: stage ?? null, instructions: [] })
    } else stages.at(-1)!.instructions.push({ name: name!.toUpperCase(), text: text! })
  }
  return stages
}

export const valuesOf = (stage: Stage, name: string): string[] =>
  stage.instructions.filter((instruction) => instruction.name === name).map(({ text }) => text)
