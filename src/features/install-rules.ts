/**
 * Values from outside → whether they are an install: the rules of the nine fields, with what was expected and what came. The service's own
 * schema says the same, and a test holds the two together. Other fields are not looked at.
 */
import { COUNT_FIELDS, type CountField, TEXT_FIELDS, type TextField } from './install.ts'

/** In code points. */
export const MAX_TEXT_LENGTH = 256
/** More than any count; a sum of several stays finite. */
export const MAX_COUNT = 1e300
/** What PostgreSQL can store, and the prediction log has to. */
export const STORABLE_TEXT = 'text without NUL and without half a surrogate pair'

/** Null is not known. */
export const NULLABLE_COUNTS: ReadonlySet<CountField> = new Set<CountField>(['event_3'])

/**
 * @param whole what to call a value that has no fields
 * @returns what is wrong first, such as `event_1: expected a number ≥ 0, got -1`; null if it is an install
 */
export function installFault(value: unknown, whole: string): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return `${whole}: expected object, got ${describeValue(value)}`
  const record = value as Readonly<Record<string, unknown>>
  for (const field of [...TEXT_FIELDS, ...COUNT_FIELDS])
    if (!Object.hasOwn(record, field)) return `${field}: expected, but it is missing`
  for (const field of TEXT_FIELDS) {
    const fault = textFault(field, record[field])
    if (fault !== null) return fault
  }
  for (const field of COUNT_FIELDS) {
    const fault = countFault(field, record[field])
    if (fault !== null) return fault
  }
  return null
}

export function textFault(field: TextField, value: unknown): string | null {
  if (value === null) return null
  if (typeof value !== 'string') return `${field}: expected string or null, got ${describeValue(value)}`
  // A text has at most as many code points as units.
  const length = value.length > MAX_TEXT_LENGTH ? [...value].length : 0
  if (length > MAX_TEXT_LENGTH)
    return `${field}: expected at most ${MAX_TEXT_LENGTH} characters, got ${length}`
  if (value.includes('\0') || !value.isWellFormed())
    return `${field}: expected ${STORABLE_TEXT}, got ${describeValue(value)}`
  return null
}

export function countFault(field: CountField, value: unknown): string | null {
  const isNullable = NULLABLE_COUNTS.has(field)
  if (value === null && isNullable) return null
  if (typeof value !== 'number' || !Number.isFinite(value))
    return `${field}: expected number${isNullable ? ' or null' : ''}, got ${describeValue(value)}`
  if (value >= 0 && value <= MAX_COUNT) return null
  return `${field}: expected a number ${value < 0 ? '≥ 0' : `≤ ${MAX_COUNT}`}, got ${describeValue(value)}`
}

const SHOWN_CHARACTERS = 60

/** What came: its type and its beginning. */
export function describeValue(value: unknown): string {
  if (value === null || typeof value === 'number') return String(value) // JSON.stringify would call Infinity null
  const text = toJson(value) ?? 'nested too deeply to be shown'
  const shown = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS - 3)}…` : text
  return `${Array.isArray(value) ? 'array' : typeof value} ${shown}`
}

/** @returns null for what is nested so deeply that it can be read as JSON, but not written */
export function toJson(value: unknown): string | null {
  try {
    return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? Number(each) : each))
  } catch {
    return null
  }
}
