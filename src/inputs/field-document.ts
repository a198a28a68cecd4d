/**
 * A field as the document has it → a field with all its keys. Refuses other keys than its kind has, and settings that contradict each
 * other.
 */
import {
  expectEachOnce,
  type JsonObject,
  readArray,
  readBoolean,
  readChoice,
  readColumn,
  readName,
  readObject,
  readOptional,
  readRequired,
  readText,
  readTextOrNull,
  within,
} from './document.ts'
import { InputSchemaError, unexpected } from './errors.ts'
import { Fault } from './faults.ts'
import {
  DEFAULT_MAX_LENGTH,
  type Field,
  type Kind,
  KIND_NAMES,
  MAX_NUMBER,
  type Role,
  ROLES,
  ROLES_OF_KIND,
  TIME_FORMATS,
} from './field.ts'
import { valueFromJson } from './kinds.ts'

const MAX_MAX_LENGTH = 10_000

/** The keys that one kind alone has. */
export const SETTINGS_OF_KIND: Readonly<
  Record<Kind, readonly ('minimum' | 'maximum' | 'maxLength' | 'format')[]>
> = {
  text: ['maxLength'],
  number: ['minimum', 'maximum'],
  boolean: [],
  time: ['format'],
}

/** In the order of the canonical document. */
export const keysOfKind = (kind: Kind) =>
  [
    'name',
    'column',
    'kind',
    'nullable',
    'required',
    ...SETTINGS_OF_KIND[kind],
    'trim',
    'missing',
    'roles',
    'description',
    'example',
    'unit',
  ] as const

/** @throws InputSchemaError */
export function readField(value: unknown, path: string): Field {
  const every = new Set(KIND_NAMES.flatMap(keysOfKind))
  const document = readObject(value, path, [...every])
  const name = readName(readRequired(document, 'name', path), `${path}.name`)
  const kind = readChoice(readRequired(document, 'kind', path), `${path}.kind`, KIND_NAMES)
  readObject(value, path, keysOfKind(kind))
  const read = <T>(key: string, otherwise: T, reader: (value: unknown, path: string) => T): T =>
    reader(readOptional(document, key, otherwise), within(path, key))

  const nullable = read('nullable', true, readBoolean)
  const required = read('required', true, readBoolean)
  if (!required && !nullable)
    throw unexpected(`${path}.required`, 'true, since null is refused', document['required'])
  const field: Field = {
    name,
    column: read('column', name, readColumn),
    kind,
    nullable,
    required,
    ...readBounds(document, path),
    maxLength: read('maxLength', DEFAULT_MAX_LENGTH, readMaxLength),
    format: read('format', 'iso', (value, path) => readChoice(value, path, TIME_FORMATS)),
    trim: read('trim', false, readBoolean),
    missing: read('missing', [], readMissing),
    roles: read('roles', [], (value, path) => readRoles(value, path, kind)),
    description: read('description', null, readTextOrNull),
    example: read('example', null, readScalar),
    unit: read('unit', null, readTextOrNull),
  }
  const example = field.example === null ? null : valueFromJson(field, field.example)
  if (example instanceof Fault) throw new InputSchemaError(`${path}.example`, example.problem)
  return field
}

function readBounds(document: JsonObject, path: string): { minimum: number; maximum: number } {
  const minimum = readBound(readOptional(document, 'minimum', null), `${path}.minimum`) ?? -MAX_NUMBER
  const maximum = readBound(readOptional(document, 'maximum', null), `${path}.maximum`) ?? MAX_NUMBER
  if (minimum > maximum)
    throw unexpected(`${path}.minimum`, `a number ≤ ${maximum}, the maximum`, document['minimum'])
  return { minimum, maximum }
}

function readBound(value: unknown, path: string): number | null {
  if (value === null) return null
  if (typeof value !== 'number' || !(Math.abs(value) <= MAX_NUMBER))
    throw unexpected(path, `a number from ${-MAX_NUMBER} to ${MAX_NUMBER}, or null`, value)
  return value + 0 // -0 becomes 0
}

function readMaxLength(value: unknown, path: string): number {
  if (!Number.isInteger(value) || Number(value) < 1 || Number(value) > MAX_MAX_LENGTH)
    throw unexpected(path, `a whole number from 1 to ${MAX_MAX_LENGTH}`, value)
  return value as number
}

function readMissing(value: unknown, path: string): readonly string[] {
  const texts = readArray(value, path, 'texts').map((text, at) => readText(text, `${path}[${at}]`))
  expectEachOnce(texts, path)
  return texts
}

function readRoles(value: unknown, path: string, kind: Kind): readonly Role[] {
  const roles = readArray(value, path, 'roles').map((each, at) => {
    const role = readChoice(each, `${path}[${at}]`, ROLES)
    const legal = ROLES_OF_KIND[kind]
    if (!legal.includes(role))
      throw unexpected(`${path}[${at}]`, `a role of kind ${kind}: ${legal.join(', ')}`, role)
    return role
  })
  expectEachOnce(roles, path)
  if (roles.includes('event') && roles.includes('amount'))
    throw new InputSchemaError(path, 'expected event or amount, got both')
  return ROLES.filter((role) => roles.includes(role))
}

function readScalar(value: unknown, path: string): Field['example'] {
  if (value === null || ['number', 'boolean'].includes(typeof value)) return value as Field['example']
  if (typeof value === 'string') return value
  throw unexpected(path, 'a text, a number, true, false or null', value)
}
