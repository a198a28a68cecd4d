/**
 * Documents of input schemas, good and bad: the same fixture, and the same words and ids, as training's tests have.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse as parseYaml } from 'yaml'
import {
  type Fault,
  InputSchemaError,
  jsonSchemaOf,
  NINE_FIELDS,
  parseInputSchema,
  rowFromObject,
  valueFromCell,
  valueFromJson,
} from '../../src/inputs/index.ts'
import { blockOf } from '../document.ts'

interface Case {
  readonly about: string
  /** The whole of it, or the fields, or how many fields of texts there are. */
  readonly document?: unknown
  readonly fields?: unknown
  readonly fieldCount?: number
  /** Of a good one. */
  readonly id?: string
  readonly error?: string
}

const cases = readFileSync('test/fixtures/inputs/documents.ndjson', 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Case)

function documentOf({ document, fields, fieldCount = 0 }: Case): unknown {
  if (document !== undefined) return document
  const numbered = Array.from({ length: fieldCount }, (_, at) => ({ name: `field ${at}`, kind: 'text' }))
  return {
    format: 'day7-inputs/1',
    fields: fields ?? numbered,
    target: { name: 'revenue', horizonDays: 7 },
  }
}

t.test('bad documents are refused in the same words', (t) => {
  const bad = cases.filter(({ error }) => error !== undefined)
  t.ok(bad.length > 80, `${bad.length} bad documents`)
  for (const each of bad) {
    const path = /^input schema(?:, ([^:]+))?: /.exec(each.error!)?.[1] ?? ''
    const expected = { name: 'InputSchemaError', code: 'INPUT_SCHEMA_INVALID', path, message: each.error! }
    t.throws(() => parseInputSchema(documentOf(each)), expected, each.about)
  }
  t.end()
})

t.test('good documents have the same ids', (t) => {
  const good = cases.filter(({ id }) => id !== undefined)
  t.ok(good.length > 10, `${good.length} good documents`)
  for (const each of good) {
    const schema = parseInputSchema(documentOf(each))
    t.equal(schema.id, each.id, each.about)
    t.equal(
      parseInputSchema(JSON.parse(JSON.stringify(schema.document))).id,
      each.id,
      'written and read again',
    )
  }
  const idOf = (about: string) => good.find((each) => each.about === about)!.id
  t.equal(idOf('the same with defaults said'), idOf('the same with defaults left out'))
  t.equal(idOf('numbers written in other ways'), idOf('the same in plain numbers'))
  t.equal(new Set(good.map(({ id }) => id)).size, good.length - 2, 'others differ')
  t.end()
})

t.test('a schema knows its fields, its roles and its target', (t) => {
  const everything = cases.find(({ about }) => about === 'everything said')!
  const schema = parseInputSchema(documentOf(everything))
  t.strictSame(
    schema.fields.map(({ name, column, kind }) => [name, column, kind]),
    [
      ['country', ' Country ', 'text'],
      ['n', 'n', 'number'],
      ['b', 'b', 'boolean'],
      ['t', 't', 'time'],
    ],
  )
  const { description, ...country } = schema.fields[0]!
  t.ok(description)
  t.strictSame(country, {
    name: 'country',
    column: ' Country ',
    kind: 'text',
    nullable: true,
    required: false,
    minimum: -1e300,
    maximum: 1e300,
    maxLength: 2,
    format: 'iso',
    trim: true,
    missing: ['NA', ''],
    roles: ['facet', 'personal', 'group'],
    example: 'es',
    unit: 'code',
  })
  t.equal(schema.indexOf('b'), 2)
  t.equal(schema.indexOf('constructor'), -1)
  t.strictSame(
    schema.withRole('facet').map(({ name }) => name),
    ['country', 'b'],
  )
  t.strictSame(schema.withRole('event'), [])
  t.equal(schema.userIdColumn, 'player')
  t.strictSame(schema.target, { name: 'ltv', column: 'rev 7', horizonDays: 2.5, unit: 'USD' })
  t.end()
})

t.test('an error has the class and code that it says', (t) => {
  t.throws(() => parseInputSchema(null), InputSchemaError)
  t.end()
})

t.test('the nine fields are those of the API', (t) => {
  const { components } = parseYaml(readFileSync('openapi.yaml', 'utf8')) as {
    components: { schemas: { Install: { properties: Record<string, object>; required: string[] } } }
  }
  const { user_id: _, ...properties } = components.schemas.Install.properties
  t.strictSame(
    Object.fromEntries(NINE_FIELDS.fields.map((field) => [field.name, jsonSchemaOf(field)])),
    properties,
  )
  t.strictSame(
    NINE_FIELDS.fields.filter(({ required }) => required).map(({ name }) => name),
    components.schemas.Install.required,
  )
  t.match(NINE_FIELDS.target, { name: 'revenue', column: 'revenue', horizonDays: 7 })
  t.strictSame(
    (['facet', 'group', 'version', 'event'] as const).map((role) =>
      NINE_FIELDS.withRole(role).map(({ name }) => name),
    ),
    [['country', 'source', 'platform'], ['country'], ['os_version'], ['event_1', 'event_2', 'event_3']],
  )
  t.end()
})

t.test('training has the same nine fields', (t) => {
  t.equal(
    readFileSync('src/inputs/nine-fields.json', 'utf8'),
    readFileSync('training/day7_training/inputs/nine-fields.json', 'utf8'),
  )
  t.end()
})

t.test('the example of the page is one, and gives the faults that the page shows', (t) => {
  const page = 'docs/inputs.md'
  const schema = parseInputSchema(JSON.parse(blockOf(page, 'day7-inputs/1')))
  const field = (name: string) => schema.fields[schema.indexOf(name)]!
  const faults = [
    rowFromObject(schema, {}, { text: 'strict' }),
    valueFromJson(field('country'), 5),
    valueFromJson(field('country'), 'esp'),
    valueFromJson(field('levels'), -1),
    valueFromCell(field('levels'), '1,5'),
    valueFromJson(field('spent'), '5'),
    valueFromCell(field('consented'), 'maybe'),
    valueFromCell(field('installed_at'), '12/31/2026'),
  ]
  t.strictSame(
    faults.map((fault) => (fault as Fault).message),
    blockOf(page, 'but it is missing').trimEnd().split('\n'),
  )
  t.end()
})
