/**
 * The formats of MLflow's scoring protocol → the installs in a request: `dataframe_split`, `dataframe_records`, `instances`, `inputs`.
 * Columns are told by their names. Messages repeat no value of a request.
 */
import { Fault, type InputSchema, kindOf } from '../../inputs/index.ts'
import { expectColumns, knownNames, requiredNames } from '../columns.ts'
import { InputError } from '../errors.ts'
import type { ReadInstall } from '../install.ts'
import { isObject, type JsonObject, ObjectReader } from '../object-reader.ts'

/** How an object with the fields by their names is read. */
export type ReadObject = (object: unknown) => ReadInstall | Fault

/** Schemas of the model that answers, and of others that may. */
type Schemas = readonly [InputSchema, ...(readonly InputSchema[])]

const FORMATS: Readonly<Record<string, (value: unknown, schemas: Schemas) => readonly unknown[]>> = {
  dataframe_split: fromSplit,
  dataframe_records: (value) => fromRecords('dataframe_records', value),
  instances: (value) => fromRecords('instances', value),
  inputs: (value, schemas) => (isObject(value) ? fromColumns(value, schemas) : fromRecords('inputs', value)),
}

/**
 * @param body parsed JSON
 * @param read strict JSON of the schema, unless the caller knows another way
 * @throws InputError where the request as a whole is wrong
 */
export function readFrames(
  body: unknown,
  schema: InputSchema,
  read: ReadObject = strictly(schema),
): readonly (ReadInstall | Fault)[] {
  return objectsIn(body, schema).map((object) => read(object))
}

/**
 * The installs as objects with the fields by their names, not read yet.
 * @param otherSchemas whose fields may be there, too
 * @throws InputError
 */
export function objectsIn(
  body: unknown,
  schema: InputSchema,
  otherSchemas: readonly InputSchema[] = [],
): readonly unknown[] {
  if (!isObject(body)) throw new InputError(`body: expected object, got ${kindOf(body)}`)
  const { params = null, ...others } = body
  const [format, ...more] = Object.keys(others)
  if (format === undefined || more.length > 0 || !Object.hasOwn(FORMATS, format))
    throw new InputError(
      `body: expected exactly one of ${Object.keys(FORMATS).join(', ')}, and perhaps params`,
    )
  if (params !== null && !(isObject(params) && Object.keys(params).length === 0))
    throw new InputError('params: expected none, since the model takes none')
  return FORMATS[format]!(others[format], [schema, ...otherSchemas])
}

function strictly(schema: InputSchema): ReadObject {
  const reader = new ObjectReader(schema, { text: 'strict', naming: 'names', others: 'refused' })
  return (object) => reader.read(object)
}

function fromSplit(value: unknown, schemas: Schemas): readonly unknown[] {
  if (!isObject(value)) throw new InputError(`dataframe_split: expected object, got ${kindOf(value)}`)
  const { columns, data, index: _, ...others } = value
  if (Object.keys(others).length > 0)
    throw new InputError('dataframe_split: expected only columns, data and index')
  if (!Array.isArray(columns))
    throw new InputError(`dataframe_split.columns: expected array, got ${kindOf(columns)}`)
  if (!Array.isArray(data)) throw new InputError(`dataframe_split.data: expected array, got ${kindOf(data)}`)
  expectFields('dataframe_split.columns', columns, schemas)
  return data.map((cells: unknown, row) => {
    if (!Array.isArray(cells) || cells.length !== columns.length)
      throw new InputError(
        `row ${row}: expected an array of ${columns.length} values, got ${Array.isArray(cells) ? cells.length : kindOf(cells)}`,
      )
    return Object.fromEntries(columns.map((name, at) => [name, cells[at]]))
  })
}

function fromRecords(format: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new InputError(`${format}: expected array, got ${kindOf(value)}`)
  const unnamed = value.findIndex((record) => !isObject(record))
  if (unnamed !== -1)
    throw new InputError(
      `row ${unnamed}: expected an object with the fields by their names, got ${kindOf(value[unnamed])}`,
    )
  return value
}

/** Lists of the same length; or one install, if no value is a list. */
function fromColumns(columns: JsonObject, schemas: Schemas): readonly unknown[] {
  const names = Object.keys(columns)
  expectFields('inputs', names, schemas)
  if (names.every((name) => !Array.isArray(columns[name]))) return [columns]
  const lists = names.map((name) => columns[name])
  const rows = lists.reduce((most: number, list) => Math.max(most, Array.isArray(list) ? list.length : 0), 0)
  const uneven = lists.findIndex((list) => !Array.isArray(list) || list.length !== rows)
  if (uneven !== -1)
    throw new InputError(
      `inputs.${names[uneven]}: expected an array of ${rows} values as in the other columns`,
    )
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(names.map((name, at) => [name, (lists[at] as unknown[])[row]])),
  )
}

function expectFields(where: string, names: readonly unknown[], [schema, ...others]: Schemas): void {
  const known = knownNames(schema, 'names', others)
  try {
    expectColumns(
      names,
      { required: requiredNames(schema, 'names'), known: known.listed, where, what: '' },
      known.all,
    )
  } catch (error) {
    throw error instanceof InputError ? new InputError(error.brief) : error
  }
}
