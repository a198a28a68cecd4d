/**
 * Arguments of one command → its options. Refuses what the command does not know, says what it may have meant, and has the code of exit
 * that is for this.
 */
import { parseArgs } from 'node:util'
import { closest, distance } from 'fastest-levenshtein'

/** The command was not understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export interface Option {
  /** Without its dashes, as in `out`. */
  readonly name: string
  /** What to call its value, as in FILE; an option without one is there or not. */
  readonly value?: string
  readonly about: string
}

export interface Arguments {
  readonly values: Readonly<Record<string, string | undefined>>
  /** Options without a value that are there. */
  readonly flags: ReadonlySet<string>
  readonly positionals: readonly string[]
}

/**
 * @param options or their names alone: then each has a value
 * @param positionals how many there may be
 * @throws UsageError
 */
export function argumentsOf(
  command: string,
  args: readonly string[],
  options: readonly (string | Option)[],
  positionals = 0,
): Arguments {
  const known = new Map(options.map((option) => [nameOf(option), hasValue(option)]))
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      [...known].map(([name, isValued]) => [name, { type: isValued ? 'string' : 'boolean' }]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const values: Record<string, string | undefined> = {}
  const flags = new Set<string>()
  const found: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') found.push(token.value)
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    const isValued = known.get(name)
    if (isValued === undefined)
      throw new UsageError(`${command}: unknown option ${rawName}${meant(name, [...known.keys()], '--')}`)
    if (!isValued && value !== undefined)
      throw new UsageError(`${command}: expected ${rawName} without a value, got "${value}"`)
    if (isValued && (value === undefined || (value.startsWith('--') && !token.inlineValue)))
      throw new UsageError(`${command}: expected a value for ${rawName}, got ${value ?? 'nothing'}`)
    if (value === undefined) flags.add(name)
    else values[name] = value
  }
  if (found.length > positionals)
    throw new UsageError(`${command}: expected at most ${positionals} argument(s), got ${found.join(' ')}`)
  return { values, flags, positionals: found }
}

/** @throws UsageError if it is not there */
export function required(command: string, value: string | undefined, what: string): string {
  if (value === undefined || value === '') throw new UsageError(`${command}: expected ${what}`)
  return value
}

/** Of the characters, as many may be wrong. */
const WRONG_SHARE = 0.4

/** `; did you mean …?` where one of the names is near, or nothing. */
export function meant(name: string, names: readonly string[], prefix = ''): string {
  if (names.length === 0) return ''
  const nearest = closest(name, names)
  return distance(name, nearest) <= WRONG_SHARE * nearest.length ? `; did you mean ${prefix}${nearest}?` : ''
}

const nameOf = (option: string | Option): string => (typeof option === 'string' ? option : option.name)
const hasValue = (option: string | Option): boolean =>
  typeof option === 'string' || option.value !== undefined
