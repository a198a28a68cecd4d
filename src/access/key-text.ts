/**
 * Key records ↔ the JSON text that a key file holds. A text with any fault is refused as a whole, by the place of the fault: a
 * misspelt `expires` that is passed over would let a key live for ever.
 */
import { isScope, SCOPES } from './caller.ts'
import { HASH, KEY_ID, KEY_NAME, type KeyRecord, SALT } from './keys.ts'

const FORMAT = 1

export function writeKeys(records: readonly KeyRecord[]): string {
  const keys = records.map((record) => Object.fromEntries(FIELDS.map((field) => [field, record[field]])))
  return `${JSON.stringify({ format: FORMAT, keys }, null, 2)}\n`
}

/** @throws Error that says where, what was expected and what came; hashes are not repeated */
export function readKeys(text: string): KeyRecord[] {
  const whole = objectAt('the file', parse(text), ['format', 'keys'])
  if (whole['format'] !== FORMAT)
    throw new Error(`format: expected ${FORMAT}, got ${JSON.stringify(whole['format'])}`)
  const keys = whole['keys']
  if (!Array.isArray(keys)) throw new Error('keys: expected an array')
  const records = keys.map((key, at) => recordAt(`keys[${at}]`, key))
  const ids = new Set<string>()
  for (const { id } of records) {
    if (ids.has(id)) throw new Error(`keys: expected each id once, got ${id} again`)
    ids.add(id)
  }
  return records
}

const FIELDS = [
  'id',
  'name',
  'scopes',
  'salt',
  'hash',
  'created',
  'expires',
  'revoked',
  'replacedBy',
] as const satisfies readonly (keyof KeyRecord)[]

function recordAt(place: string, value: unknown): KeyRecord {
  const fields = objectAt(place, value, FIELDS)
  const text = (field: keyof KeyRecord, form: RegExp, expected: string): string => {
    const found = fields[field]
    if (typeof found !== 'string' || !form.test(found))
      throw new Error(`${place}.${field}: expected ${expected}`)
    return found
  }
  const time = (field: keyof KeyRecord): Date => {
    const found = fields[field]
    const date = new Date(typeof found === 'string' && ISO_TIME.test(found) ? found : NaN)
    if (Number.isNaN(date.getTime()))
      throw new Error(`${place}.${field}: expected a time such as 2026-01-31T00:00:00Z`)
    return date
  }
  const orNull = <T>(field: keyof KeyRecord, read: (field: keyof KeyRecord) => T): T | null =>
    fields[field] === null ? null : read(field)
  const scopes = fields['scopes']
  if (!Array.isArray(scopes) || scopes.length === 0 || !scopes.every(isScope))
    throw new Error(`${place}.scopes: expected some of ${SCOPES.join(', ')}`)
  return {
    id: text('id', KEY_ID, 'twelve hexadecimal digits'),
    name: text('name', KEY_NAME, '1 to 100 printable characters'),
    scopes,
    salt: text('salt', SALT, '32 hexadecimal digits'),
    hash: text('hash', HASH, '64 hexadecimal digits'),
    created: time('created'),
    expires: orNull('expires', time),
    revoked: orNull('revoked', time),
    replacedBy: orNull('replacedBy', (field) => text(field, KEY_ID, 'the id of a key, or null')),
  }
}

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The error of JSON.parse quotes what stands there.
    throw new Error('expected JSON')
  }
}

function objectAt(place: string, value: unknown, fields: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${place}: expected an object`)
  for (const field of fields)
    if (!Object.hasOwn(value, field)) throw new Error(`${place}.${field}: expected, but it is missing`)
  for (const field of Object.keys(value))
    if (!fields.includes(field))
      throw new Error(`${place}.${field}: unknown; expected only ${fields.join(', ')}`)
  return value as Record<string, unknown>
}
