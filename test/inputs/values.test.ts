/**
 * Dirty values, by the rules of docs/inputs.md: the same fixture, and the same words, as training's tests have.
 */
import Ajv from 'ajv'
import t from 'tap'
import {
  Fault,
  type Field,
  jsonSchemaOf,
  rowFromObject,
  type Value,
  valueFromCell,
  valueFromJson,
  valueFromParquet,
  valueFromTensor,
  valueToJson,
} from '../../src/inputs/index.ts'
import { readValues, schemaOf, type Source } from './values.ts'

const READERS: Readonly<Record<Source, (field: Field, value: unknown) => Value | Fault>> = {
  cell: (field, value) => valueFromCell(field, value as string),
  json: valueFromJson,
  ndjson: (field, value) => valueFromJson(field, value, 'cell'),
  parquet: valueFromParquet,
  tensor: valueFromTensor,
}

const { schema, values } = readValues()
const ONE_FIELD = new Map(
  schema.fields.map((field) => {
    const { fields } = schema.document as { fields: { name: string }[] }
    return [field, schemaOf([fields.find(({ name }) => name === field.name)!])]
  }),
)
const requests = values.filter(({ source }) => source === 'json')

t.test('every value is what the rules say', (t) => {
  t.ok(values.length > 5000, `${values.length} values`)
  const wrong = values.filter(({ field, source, came, value, fault }) => {
    const read = READERS[source](field, came)
    return read instanceof Fault ? read.message !== fault : !Object.is(read, value)
  })
  t.same(
    wrong.slice(0, 20).map(({ line, field, source, came }) => [line, READERS[source](field, came)]),
    [],
    `${wrong.length} are not`,
  )
  t.end()
})

t.test('a row has the same values', (t) => {
  for (const source of ['json', 'ndjson'] as const) {
    const wrong = values
      .filter((each) => each.source === source)
      .filter(({ field, came, value, fault }) => {
        const one = ONE_FIELD.get(field)!
        const row = rowFromObject(
          one,
          { [field.name]: came },
          { text: source === 'json' ? 'strict' : 'cell' },
        )
        return row instanceof Fault ? row.message !== fault : row.length !== 1 || !Object.is(row[0], value)
      })
    t.same(
      wrong.map(({ line }) => line),
      [],
      source,
    )
  }
  t.end()
})

t.test('what a request may have is what its JSON Schema says', (t) => {
  const ajv = new Ajv.default({ strict: false, allowUnionTypes: true })
  const validators = new Map(schema.fields.map((field) => [field, ajv.compile(jsonSchemaOf(field))]))
  const refused = requests.filter(
    ({ field, came, fault }) => fault === undefined && !validators.get(field)!(came),
  )
  t.same(
    refused.map(({ line }) => line),
    [],
    'no good value is refused',
  )
  // A schema knows neither blanks, markers nor the calendar.
  const plain = requests.filter(
    ({ field }) => field.kind !== 'time' && !field.trim && field.missing.length === 0,
  )
  const accepted = plain.filter(
    ({ field, came, fault }) => fault !== undefined && validators.get(field)!(came),
  )
  t.same(
    accepted.map(({ line }) => line),
    [],
    'no bad value is accepted',
  )
  t.end()
})

t.test('a value that goes out comes in again', (t) => {
  const read = values.filter(({ value }) => value !== undefined)
  const wrong = read.filter(({ field, value }) => {
    if (value === null && !field.nullable) return true
    const out = valueToJson(field, value!)
    return field.trim || field.missing.length > 0
      ? typeof out === 'object' && out !== null
      : !Object.is(valueFromJson(field, out), value)
  })
  t.same(
    wrong.map(({ line }) => line),
    [],
  )
  t.end()
})

t.test('a fault can be told without its value', (t) => {
  const briefs = values.flatMap(({ field, source, came }) => {
    const read = READERS[source](field, came)
    return read instanceof Fault ? [read.brief.slice(field.name.length)] : []
  })
  t.ok(briefs.length > 3000, `${briefs.length} faults`)
  const KIND =
    /^: expected .+, got (null|string|another text|boolean|array|object|time|(negative )?number|-?Infinity|other bytes|[0-9]+)$/
  t.same(
    briefs.filter((brief) => !KIND.test(brief)),
    [],
  )
  t.match(valueFromCell(schema.fields[schema.indexOf('count')]!, '-1'), {
    brief: 'count: expected a number ≥ 0, got negative number',
  })
  t.end()
})
