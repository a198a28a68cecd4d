/**
 * Objects → rows: what may be absent, which keys count, and which fault is told.
 */
import t from 'tap'
import { Fault, NINE_FIELDS, rowFromObject } from '../../src/inputs/index.ts'
import { schemaOf } from './values.ts'

const install = {
  country: 'es',
  country_region: 'Madrid',
  source: null,
  platform: 'iOS',
  device_family: '',
  os_version: '14.4',
  event_1: 100,
  event_2: -0,
  event_3: null,
}
const read = (object: object, text: 'strict' | 'cell' = 'strict') =>
  rowFromObject(NINE_FIELDS, object as Record<string, unknown>, { text })
const faultOf = (object: object, text: 'strict' | 'cell' = 'strict') => (read(object, text) as Fault).message

t.test('values stand in the order of the fields', (t) => {
  const expected = ['es', 'Madrid', null, 'iOS', '', '14.4', 100, 0, null]
  t.strictSame(read(install), expected)
  t.strictSame(read({ user_id: 'u', ...Object.fromEntries(Object.entries(install).toReversed()) }), expected)
  t.end()
})

t.test('what is absent is a fault, or null', (t) => {
  const { event_3: _, ...without } = install
  t.equal(faultOf(without), 'event_3: expected, but it is missing')
  t.strictSame((read(without, 'cell') as unknown[]).at(-1), null)
  const { event_2: __, ...less } = install
  t.equal(faultOf(less, 'cell'), 'event_2: expected, but it is missing')
  const schema = schemaOf([{ name: 'a', kind: 'number', required: false }])
  t.strictSame(rowFromObject(schema, {}, { text: 'strict' }), [null])
  t.end()
})

t.test('texts stand for numbers in NDJSON alone', (t) => {
  t.equal(faultOf({ ...install, event_1: '7' }), 'event_1: expected number, got string "7"')
  t.equal((read({ ...install, event_1: '7' }, 'cell') as unknown[])[6], 7)
  t.equal(faultOf({ ...install, event_1: '' }, 'cell'), 'event_1: expected number, got null')
  t.end()
})

t.test('the first field that something is wrong with is told', (t) => {
  const { event_1: _, ...without } = install
  t.equal(faultOf({ ...without, platform: 5, event_2: -1 }), 'platform: expected text, got 5')
  t.match(read({ ...install, event_2: -1 }), { field: 'event_2', problem: 'expected a number ≥ 0, got -1' })
  t.end()
})

t.test('names are data', (t) => {
  const names = [
    'constructor',
    'toString',
    'hasOwnProperty',
    '0',
    'a"] + process.exit() + ["b',
    "it's",
    '`${a}`',
    'a\\',
    'a\u2028b',
  ]
  const schema = schemaOf(names.map((name) => ({ name, kind: 'text' })))
  const values = names.map((_, at) => `value ${at}`)
  const object = Object.fromEntries(names.map((name, at) => [name, values[at]]))
  t.strictSame(rowFromObject(schema, object, { text: 'strict' }), values)
  t.match(rowFromObject(schema, {}, { text: 'strict' }), {
    message: 'constructor: expected, but it is missing',
  })
  t.strictSame(
    rowFromObject(schema, {}, { text: 'cell' }),
    names.map(() => null),
  )
  t.end()
})

t.test('two thousand fields', (t) => {
  const fields = Array.from({ length: 2000 }, (_, at) => ({ name: `field ${at}`, kind: 'number' }))
  const schema = schemaOf(fields)
  const object = Object.fromEntries(fields.map(({ name }, at) => [name, at]))
  t.strictSame(
    rowFromObject(schema, object, { text: 'strict' }),
    fields.map((_, at) => at),
  )
  t.end()
})
