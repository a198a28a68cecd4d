/**
 * Parts of a JSON document → checked values. Each reader refuses what it does not expect with an InputSchemaError.
 */
import { describeText } from './describe.ts'
import { InputSchemaError, unexpected } from './errors.ts'
import { isStorable, lengthBeyond, STORABLE_TEXT } from './text-rules.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** In code points. */
const MAX_NAME_LENGTH = 128
const A_NAME = `a text of 1 to ${MAX_NAME_LENGTH} characters without control characters and without half a surrogate pair`
/** C0, DEL and C1. */
const CONTROL_CHARACTER = /[\u0000-\u001F\u007F-\u009F]/ // oxlint-disable-line no-control-regex
/** White space that is no control character. Listed, since \s is another set in each language. */
const BLANKS = ' \u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF'
const BLANK_AT_AN_END = new RegExp(`^[${BLANKS}]|[${BLANKS}]$`)

/** @param keys all that it may have */
export function readObject(value: unknown, path: string, keys: readonly string[]): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw unexpected(path, 'object', value)
  // Sorted, since languages list keys in different orders.
  const other = Object.keys(value)
    .filter((key) => !keys.includes(key))
    .sort()[0]
  if (other === undefined) return value as JsonObject
  throw new InputSchemaError(path, `expected no keys but ${keys.join(', ')}, got ${describeText(other)}`)
}

export function readRequired(object: JsonObject, key: string, path: string): unknown {
  if (Object.hasOwn(object, key)) return object[key]
  throw new InputSchemaError(within(path, key), 'expected, but it is missing')
}

export function readOptional(object: JsonObject, key: string, otherwise: unknown): unknown {
  return Object.hasOwn(object, key) ? object[key] : otherwise
}

export const within = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)

/** A name of the API: no blanks at its ends, and none that means something else. */
export function readName(value: unknown, path: string): string {
  const name = readColumn(value, path)
  if (BLANK_AT_AN_END.test(name)) throw unexpected(path, 'a name without blanks at its ends', value)
  if (name === 'user_id') throw unexpected(path, 'a name other than user_id', value)
  return name
}

/** The name of a column in a file. */
export function readColumn(value: unknown, path: string): string {
  if (typeof value !== 'string' || value === '' || !value.isWellFormed() || CONTROL_CHARACTER.test(value))
    throw unexpected(path, A_NAME, value)
  if (lengthBeyond(value, MAX_NAME_LENGTH) > MAX_NAME_LENGTH) throw unexpected(path, A_NAME, value)
  // An object that gets this key gets another prototype.
  if (value === '__proto__') throw unexpected(path, 'a name other than __proto__', value)
  return value
}

export function readBoolean(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') throw unexpected(path, 'true or false', value)
  return value
}

export function readText(value: unknown, path: string): string {
  if (typeof value !== 'string') throw unexpected(path, 'text', value)
  if (!isStorable(value)) throw unexpected(path, STORABLE_TEXT, value)
  return value
}

export function readTextOrNull(value: unknown, path: string): string | null {
  if (value !== null && typeof value !== 'string') throw unexpected(path, 'text or null', value)
  return value === null ? null : readText(value, path)
}

export function readChoice<Choice extends string>(
  value: unknown,
  path: string,
  choices: readonly Choice[],
): Choice {
  const choice = choices.find((each) => each === value)
  if (choice === undefined)
    throw unexpected(path, `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`, value)
  return choice
}

/** @param what of its elements, such as `texts` */
export function readArray(value: unknown, path: string, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw unexpected(path, `array of ${what}`, value)
  return value
}

export function expectEachOnce(values: readonly string[], path: string): void {
  const again = values.findIndex((value, at) => values.indexOf(value) < at)
  if (again !== -1) throw unexpected(`${path}[${again}]`, 'each once', values[again])
}
