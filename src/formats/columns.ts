/**
 * The names of columns → which holds which field, or what is wrong with them: one is missing, unknown or repeated.
 */
import type { InputSchema } from '../inputs/index.ts'
import { InputError } from './errors.ts'
import { USER_ID } from './install.ts'

export interface ColumnRules {
  /** Columns that must be there. */
  readonly required: readonly string[]
  /** All that may be there, in the order in which they are listed; null: any. */
  readonly known: readonly string[] | null
  /** What a message begins with, e.g. `line 1`; empty for nothing. */
  readonly where: string
  /** What stands before a list of names, e.g. `the columns `. */
  readonly what: string
}

/** By which names an input calls the fields: `columns` in files, `names` in requests in JSON. */
export type Naming = 'columns' | 'names'

export const fieldNames = ({ fields }: InputSchema, naming: Naming): string[] =>
  fields.map(({ name, column }) => (naming === 'names' ? name : column))

export const requiredNames = ({ fields }: InputSchema, naming: Naming): string[] =>
  fields.filter(({ required }) => required).map(({ name, column }) => (naming === 'names' ? name : column))

export const userIdName = ({ userIdColumn }: InputSchema, naming: Naming): string =>
  naming === 'names' ? USER_ID : userIdColumn

/** All names that a request may have. @param others schemas of other models that may be asked, too */
export function knownNames(
  schema: InputSchema,
  naming: Naming,
  others: readonly InputSchema[] = [],
): { readonly listed: readonly string[]; readonly all: ReadonlySet<string> } {
  const listed = [...fieldNames(schema, naming), userIdName(schema, naming)]
  return { listed, all: new Set([...listed, ...others.flatMap((other) => fieldNames(other, naming))]) }
}

/** The places of a schema's columns among `names`; -1 where there is none. */
export function placesOf(names: readonly string[], schema: InputSchema, naming: Naming): number[] {
  const places = new Map(names.map((name, at) => [name, at]))
  return fieldNames(schema, naming).map((name) => places.get(name) ?? -1)
}

/** @throws InputError */
export function expectColumns(
  names: readonly unknown[],
  { required, known, where, what }: ColumnRules,
  isKnown: ReadonlySet<unknown> = new Set(known),
): void {
  const place = where === '' ? '' : `${where}: `
  const there = new Set(names)
  const missing = required.filter((name) => !there.has(name))
  if (missing.length > 0) {
    const brief = `${place}expected ${what}${listNames(required)}; missing: ${listNames(missing)}`
    throw new InputError(`${brief}; got ${listNames(names)}`, brief)
  }
  const unknown = known === null ? -1 : names.findIndex((name) => !isKnown.has(name))
  if (unknown !== -1)
    throw new InputError(
      `${place}expected only ${what}${listNames(known!)}; number ${unknown + 1} is another one`,
    )
  const twice = repeatedIn(names)
  if (twice === undefined) return
  const expected = `${place}expected every column once, got`
  const isOurs = required.includes(twice as string) || isKnown.has(twice)
  throw new InputError(
    `${expected} ${listNames([twice])} twice`,
    `${expected} ${isOurs ? listNames([twice]) : 'one'} twice`,
  )
}

/** The first that has been there before. */
export function repeatedIn(names: readonly unknown[]): unknown {
  const before = new Set<unknown>()
  return names.find((name) => before.size === before.add(name).size)
}

/** @param added what the output has more */
export function expectRoomFor(added: readonly string[], names: readonly string[], where: string): void {
  const there = added.filter((name) => names.includes(name))
  if (there.length > 0)
    throw new InputError(
      `${where}expected no column ${there.join(', ')}: it is what is added. Rename it, or leave it out`,
    )
}

/** Of a model that takes hundreds. */
const MOST_LISTED = 50
/** In code points. */
const LONGEST_NAME = 40

/** Names for a message; those with blanks around them, and none at all, in quotes. */
export function listNames(names: readonly unknown[], separator = ', '): string {
  const shown = names.slice(0, MOST_LISTED).map(showName)
  return (names.length > MOST_LISTED ? [...shown, '…'] : shown).join(separator)
}

function showName(name: unknown): string {
  const points = [...String(name)]
  const text =
    points.length > LONGEST_NAME ? `${points.slice(0, LONGEST_NAME - 3).join('')}…` : points.join('')
  return text === '' || /^[ \t\r\n]|[ \t\r\n]$/.test(text) ? JSON.stringify(text) : text
}
