/**
 * An object with the fields by their names → a row: the values of an install by position in the fields of its schema.
 */
import { absent, Fault } from './faults.ts'
import type { Field } from './field.ts'
import { valueFromJson } from './kinds.ts'
import type { InputSchema } from './schema.ts'
import { isStorable } from './text-rules.ts'
import type { Value } from './value.ts'

export type Row = readonly Value[]

/**
 * How JSON is taken. `strict`: requests; a text is a text, and a required field is there. `cell`: lines of NDJSON; a text stands for a
 * number, true, false or a time as a cell does, and a nullable field may be absent.
 */
export type TextRule = 'strict' | 'cell'

type JsonObject = Readonly<Record<string, unknown>>
type ReadRow = (object: JsonObject) => Row | Fault
type ReadValue = (value: unknown) => Value | Fault

const readers = { strict: new WeakMap<InputSchema, ReadRow>(), cell: new WeakMap<InputSchema, ReadRow>() }

/**
 * @param object of JSON; keys that are no fields are not looked at
 * @returns the row, or what is wrong with the first field that something is wrong with
 */
export function rowFromObject(
  schema: InputSchema,
  object: JsonObject,
  { text }: { readonly text: TextRule },
): Row | Fault {
  let read = readers[text].get(schema)
  if (!read) {
    read = compileReader(schema.fields, text)
    readers[text].set(schema, read)
  }
  return read(object)
}

/**
 * The function is written with the names in it, since V8 finds `object["country"]` several times as fast as `object[name]`. Nothing else
 * of a schema gets into its text.
 */
function compileReader(fields: readonly Field[], text: TextRule): ReadRow {
  const places = fields.map((_, at) => at)
  const reads = fields.map(
    ({ name }, at) => `
    const value${at} = read${at}(object[${JSON.stringify(name)}])
    if (value${at} instanceof Fault) return value${at}`,
  )
  const body = `const [${places.map((at) => `read${at}`)}] = readers
  return (object) => {${reads.join('')}
    return [${places.map((at) => `value${at}`)}]
  }`
  const compile = new Function('readers', 'Fault', body) as (...parts: unknown[]) => ReadRow
  return compile(
    fields.map((field) => compileField(field, text)),
    Fault,
  )
}

/** By the rules of `kinds.ts`; what is most often right is seen to be so at once. */
function compileField(field: Field, text: TextRule): ReadValue {
  const { kind, minimum, maximum, maxLength } = field
  const absence = (text === 'cell' ? field.nullable : !field.required) ? null : absent(field.name)
  // An object inherits `constructor`, `toString` and others, which are no values of JSON.
  const read: ReadValue = (value) =>
    value === undefined || typeof value === 'function' ? absence : valueFromJson(field, value, text)
  if (kind === 'number')
    return (value) =>
      typeof value === 'number' && value >= minimum && value <= maximum ? value + 0 : read(value)
  if (kind === 'text' && !field.trim && field.missing.length === 0)
    return (value) =>
      typeof value === 'string' && value.length <= maxLength && isStorable(value) ? value : read(value)
  return read
}
