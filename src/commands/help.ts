/**
 * Commands → what `--help` prints: the list of all, or one of them with its options.
 */
import type { Command } from './commands.ts'

export function helpOf(commands: Readonly<Record<string, Command>>): string {
  const lines = aligned(Object.values(commands).map(({ usage, summary }) => [usage, summary]))
  return `Usage: day7 <command>\n\n${lines}\nday7 <command> --help tells more; day7 --version says which one this is.\n`
}

export function helpOfCommand({ usage, summary, details, options = [], examples = [] }: Command): string {
  const rows = options.map(({ name, value, about }): [string, string] => [
    `--${name}${value === undefined ? '' : ` ${value}`}`,
    about,
  ])
  return [
    `Usage: day7 ${usage}\n`,
    `${sentence(summary)}\n`,
    ...(details ?? []).map((paragraph) => `${wrapped(paragraph, WIDTH).join('\n')}\n`),
    ...(rows.length === 0 ? [] : [`Options:\n${aligned(rows)}`]),
    ...(examples.length === 0 ? [] : [`For example:\n${examples.map((each) => `  ${each}\n`).join('')}`]),
  ].join('\n')
}

const WIDTH = 100

function aligned(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows
    .map(([left, right]) => {
      const [first, ...others] = wrapped(right, WIDTH - width - 4)
      const rest = others.map((line) => `${' '.repeat(width + 4)}${line}\n`).join('')
      return `  ${left.padEnd(width)}  ${first}\n${rest}`
    })
    .join('')
}

function wrapped(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}

const sentence = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}.`
