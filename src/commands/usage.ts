/**
 * Arguments of one command → its options. Refuses what the command does not know, with the code of exit that is for this.
 */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'

/** The command was not understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export interface Arguments {
  readonly values: Readonly<Record<string, string | undefined>>
  readonly positionals: readonly string[]
}

/**
 * @param names of options, each with a value
 * @param positionals how many there may be
 * @throws UsageError
 */
export function argumentsOf(
  command: string,
  args: readonly string[],
  names: readonly string[],
  positionals = 0,
): Arguments {
  const options: ParseArgsOptionsConfig = Object.fromEntries(names.map((name) => [name, { type: 'string' }]))
  let parsed: Arguments
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true }) as Arguments
  } catch (cause) {
    throw new UsageError(`${command}: ${(cause as Error).message}`, { cause })
  }
  if (parsed.positionals.length > positionals)
    throw new UsageError(
      `${command}: expected at most ${positionals} argument(s), got ${parsed.positionals.join(' ')}`,
    )
  return parsed
}

/** @throws UsageError if it is not there */
export function required(command: string, value: string | undefined, what: string): string {
  if (value === undefined || value === '') throw new UsageError(`${command}: expected ${what}`)
  return value
}
