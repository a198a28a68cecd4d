/**
 * A request of MLflow's scoring protocol → the installs in it, not validated yet. The formats are MLflow's: `dataframe_split`,
 * `dataframe_records`, `instances`, `inputs`; columns are told by their names. Refuses what has other columns than an install, and
 * repeats no value of a request.
 */
import { type InputSchema, kindOf } from '../../inputs/index.ts'
import { listed } from '../listed.ts'
import { refusal } from '../prediction.ts'
import { USER_ID } from '../schemas/install.ts'

type Columns = Readonly<Record<string, unknown>>

const FORMATS: Readonly<Record<string, (value: unknown, schema: InputSchema) => readonly unknown[]>> = {
  dataframe_split: fromSplit,
  dataframe_records: (value) => fromRecords('dataframe_records', value),
  instances: (value) => fromRecords('instances', value),
  inputs: (value, schema) => (isObject(value) ? fromColumns(value, schema) : fromRecords('inputs', value)),
}

/** @throws 400 */
export function installsIn(body: unknown, schema: InputSchema): readonly unknown[] {
  if (!isObject(body)) throw refusal(`body: expected object, got ${kindOf(body)}`)
  const { params = null, ...others } = body
  const [format, ...more] = Object.keys(others)
  if (format === undefined || more.length > 0 || !Object.hasOwn(FORMATS, format))
    throw refusal(`body: expected exactly one of ${Object.keys(FORMATS).join(', ')}, and perhaps params`)
  if (params !== null && !(isObject(params) && Object.keys(params).length === 0))
    throw refusal('params: expected none, since the model takes none')
  return FORMATS[format]!(others[format], schema)
}

function fromSplit(value: unknown, schema: InputSchema): readonly unknown[] {
  if (!isObject(value)) throw refusal(`dataframe_split: expected object, got ${kindOf(value)}`)
  const { columns, data, index: _, ...others } = value
  if (Object.keys(others).length > 0) throw refusal('dataframe_split: expected only columns, data and index')
  if (!Array.isArray(columns))
    throw refusal(`dataframe_split.columns: expected array, got ${kindOf(columns)}`)
  if (!Array.isArray(data)) throw refusal(`dataframe_split.data: expected array, got ${kindOf(data)}`)
  expectColumns('dataframe_split.columns', columns, schema)
  return data.map((cells: unknown, row) => {
    if (!Array.isArray(cells) || cells.length !== columns.length)
      throw refusal(
        `row ${row}: expected an array of ${columns.length} values, got ${Array.isArray(cells) ? cells.length : kindOf(cells)}`,
      )
    return Object.fromEntries(columns.map((name, at) => [name, cells[at]]))
  })
}

function fromRecords(format: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw refusal(`${format}: expected array, got ${kindOf(value)}`)
  const unnamed = value.findIndex((record) => !isObject(record))
  if (unnamed !== -1)
    throw refusal(
      `row ${unnamed}: expected an object with the fields by their names, got ${kindOf(value[unnamed])}`,
    )
  return value
}

/** Lists of the same length; or one install, if no value is a list. */
function fromColumns(columns: Columns, schema: InputSchema): readonly unknown[] {
  const names = Object.keys(columns)
  expectColumns('inputs', names, schema)
  if (names.every((name) => !Array.isArray(columns[name]))) return [columns]
  const lists = names.map((name) => columns[name])
  const rows = Math.max(...lists.map((list) => (Array.isArray(list) ? list.length : 0)))
  const uneven = lists.findIndex((list) => !Array.isArray(list) || list.length !== rows)
  if (uneven !== -1)
    throw refusal(`inputs.${names[uneven]}: expected an array of ${rows} values as in the other columns`)
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(names.map((name, at) => [name, (lists[at] as unknown[])[row]])),
  )
}

function expectColumns(where: string, names: readonly unknown[], { fields }: InputSchema): void {
  const required = fields.filter((field) => field.required).map(({ name }) => name)
  const all = [...fields.map(({ name }) => name), USER_ID]
  const known = new Set<unknown>(all)
  const there = new Set(names)
  const missing = required.filter((name) => !there.has(name))
  const unknown = names.findIndex((name) => !known.has(name))
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (missing.length > 0) throw refusal(`${where}: expected ${listed(required)}; missing: ${listed(missing)}`)
  if (unknown !== -1)
    throw refusal(`${where}: expected only ${listed(all)}; number ${unknown + 1} is another one`)
  if (twice !== undefined) throw refusal(`${where}: expected every column once, got ${String(twice)} twice`)
}

function isObject(value: unknown): value is Columns {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
