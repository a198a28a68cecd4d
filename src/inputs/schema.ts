/**
 * The input schema: `inputs.json` → the fields that a model takes, in their order, and its target.
 *
 * A document that is not understood to the last key is refused with an InputSchemaError; docs/inputs.md has its rules.
 */
import { schemaIdOf } from './canonical.ts'
import {
  readColumn,
  readArray,
  readName,
  readObject,
  readOptional,
  readRequired,
  readTextOrNull,
} from './document.ts'
import { InputSchemaError, unexpected } from './errors.ts'
import type { Field, Role } from './field.ts'
import { readField } from './field-document.ts'

export const INPUTS_FORMAT = 'day7-inputs/1'
const MAX_FIELDS = 2000
const MAX_HORIZON_DAYS = 3650
/** How many fields may have a role. */
const MOST_OF_ROLE: Readonly<Partial<Record<Role, number>>> = { facet: 8, group: 1, install_time: 1 }

/** What the model predicts. */
export interface Target {
  readonly name: string
  /** Its name in files. */
  readonly column: string
  /** Days after the install. */
  readonly horizonDays: number
  readonly unit: string | null
}

export interface InputSchema {
  /** 16 hex digits; documents that mean the same have the same. */
  readonly id: string
  /** In the order of the values of a row. */
  readonly fields: readonly Field[]
  /** The column of a file that holds the studio's own id of the player. */
  readonly userIdColumn: string
  readonly target: Target
  /** As it was read, to be written again. */
  readonly document: unknown
  /** The place of a field among the values of a row; -1 if there is none of this name. */
  indexOf(name: string): number
  withRole(role: Role): readonly Field[]
}

/**
 * @param document the parsed `inputs.json`
 * @throws InputSchemaError that names the place, what was expected and what came
 */
export function parseInputSchema(document: unknown): InputSchema {
  const root = readObject(document, '', ['format', 'fields', 'userId', 'target'])
  const format = readRequired(root, 'format', '')
  if (format !== INPUTS_FORMAT) throw unexpected('format', `"${INPUTS_FORMAT}"`, format)
  const fields = readFields(readRequired(root, 'fields', ''))
  const userId = readObject(readOptional(root, 'userId', {}), 'userId', ['column'])
  const userIdColumn = readColumn(readOptional(userId, 'column', 'user_id'), 'userId.column')
  const target = readTarget(readRequired(root, 'target', ''))

  const places = new Map(fields.map(({ name }, at) => [name, at]))
  if (places.has(target.name))
    throw unexpected(
      'target.name',
      `another name than that of fields[${places.get(target.name)}]`,
      target.name,
    )
  expectOwnColumns(fields, userIdColumn, target.column)
  const withRole = new Map<Role, readonly Field[]>()
  for (const field of fields)
    for (const role of field.roles) withRole.set(role, [...(withRole.get(role) ?? []), field])
  for (const [role, most] of Object.entries(MOST_OF_ROLE)) {
    const count = withRole.get(role as Role)?.length ?? 0
    if (count > most)
      throw new InputSchemaError(
        'fields',
        `expected at most ${most} ${most === 1 ? 'field' : 'fields'} with the role ${role}, got ${count}`,
      )
  }
  return {
    id: schemaIdOf({ format: INPUTS_FORMAT, fields, userId: { column: userIdColumn }, target }),
    fields,
    userIdColumn,
    target,
    document,
    indexOf: (name) => places.get(name) ?? -1,
    withRole: (role) => withRole.get(role) ?? [],
  }
}

function readFields(value: unknown): readonly Field[] {
  const documents = readArray(value, 'fields', 'fields')
  if (documents.length < 1 || documents.length > MAX_FIELDS)
    throw new InputSchemaError('fields', `expected 1 to ${MAX_FIELDS} fields, got ${documents.length}`)
  const places = new Map<string, number>()
  return documents.map((each, at) => {
    const field = readField(each, `fields[${at}]`)
    const earlier = places.get(field.name)
    if (earlier !== undefined)
      throw unexpected(`fields[${at}].name`, `another name than that of fields[${earlier}]`, field.name)
    places.set(field.name, at)
    return field
  })
}

function readTarget(value: unknown): Target {
  const target = readObject(value, 'target', ['name', 'column', 'horizonDays', 'unit'])
  const name = readName(readRequired(target, 'name', 'target'), 'target.name')
  const horizonDays = readRequired(target, 'horizonDays', 'target')
  if (typeof horizonDays !== 'number' || !(horizonDays > 0 && horizonDays <= MAX_HORIZON_DAYS))
    throw unexpected('target.horizonDays', `a number > 0 and ≤ ${MAX_HORIZON_DAYS}`, horizonDays)
  return {
    name,
    column: readColumn(readOptional(target, 'column', name), 'target.column'),
    horizonDays,
    unit: readTextOrNull(readOptional(target, 'unit', null), 'target.unit'),
  }
}

function expectOwnColumns(fields: readonly Field[], userIdColumn: string, targetColumn: string): void {
  const owners = new Map<string, string>()
  const columns: [string, string][] = [
    ...fields.map(({ column }, at): [string, string] => [`fields[${at}]`, column]),
    ['userId', userIdColumn],
    ['target', targetColumn],
  ]
  for (const [owner, column] of columns) {
    const earlier = owners.get(column)
    if (earlier !== undefined)
      throw unexpected(`${owner}.column`, `another column than that of ${earlier}`, column)
    owners.set(column, owner)
  }
}
