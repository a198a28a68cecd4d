/**
 * Each operator's rules for null, unknown, case and type, as docs/bundle.md has them; and every way to write a plan wrong.
 */
import fc from 'fast-check'
import t from 'tap'
import { naturalLog } from '../../src/features/logarithm.ts'
import { FeaturePlanError, parseFeaturePlan } from '../../src/features/index.ts'
import { NINE_FIELDS, parseInputSchema } from '../../src/inputs/index.ts'
import { EXAMPLE, EXAMPLE_ROW, type Install, rowOf } from '../example.ts'

type Column = Record<string, unknown>

function planOf(
  columns: Column[],
  features = columns.map((column) => column['name']),
  offset: unknown = null,
) {
  return parseFeaturePlan({ format: 'day7-feature-plan/1', columns, features, offset }, NINE_FIELDS)
}

function encode(columns: Column[], install: Partial<Install>): number {
  const plan = planOf(columns)
  const row = new Float64Array(columns.length)
  plan.encode(rowOf({ ...EXAMPLE, ...install }), row)
  return row.at(-1)!
}

t.test('which inputs a column is made from, over others', (t) => {
  const { inputs } = planOf([
    { name: 'n', op: 'number', field: 'event_2' },
    { name: 'm', op: 'is_missing', field: 'event_1' },
    { name: 's', op: 'sum', of: ['n', 'm'] },
    { name: 'c', op: 'is_missing', field: 'country' },
    { name: 'r', op: 'ratio', numerator: 's', denominator: 'c', plus: 1 },
    { name: 'l', op: 'log', argument: 'r', plus: 1 },
    { name: 'p', op: 'product', of: ['n', 'n'] },
  ])
  t.same(
    [...inputs],
    [
      ['n', ['event_2']],
      ['m', ['event_1']],
      ['s', ['event_1', 'event_2']],
      ['c', ['country']],
      ['r', ['country', 'event_1', 'event_2']],
      ['l', ['country', 'event_1', 'event_2']],
      ['p', ['event_2']],
    ],
  )
  t.end()
})

t.test('the offset is shared among its inputs', (t) => {
  const rates = {
    op: 'lookup',
    field: 'country',
    encoding: 'revenue_rate',
    fold: 'none',
    unknown: 3,
    missing: 2,
  }
  const shared = (plus: number, install: Partial<Install>) => {
    const columns = [
      { name: 'rate', ...rates, values: { es: 8 } },
      { name: 'n', op: 'number', field: 'event_1' },
      { name: 'extra', op: 'sum', of: ['n'] },
      { name: 'all', op: 'sum', of: ['rate', 'extra'] },
      { name: 'offset', op: 'log', argument: 'all', plus },
    ]
    const plan = planOf(columns, ['n'], 'offset')
    const full = { ...EXAMPLE, ...install }
    const offset = plan.encode(rowOf(full), new Float64Array(1))
    const { base, shares } = plan.shareOffset(rowOf(full))!
    return { base, offset, country: shares.get('country')!, event_1: shares.get('event_1')! }
  }
  const { base, offset, country, event_1 } = shared(0, { country: 'es', event_1: 6 })
  t.equal(base, naturalLog(2), 'of an install of which nothing is known')
  t.equal(offset, naturalLog(14))
  // Each is the mean of what it changes when it comes first, and when it comes last.
  const close = (actual: number, expected: number) => t.ok(Math.abs(actual - expected) < 1e-14, `${actual}`)
  close(country, (Math.log(8 / 2) + Math.log(14 / 8)) / 2)
  close(event_1, (Math.log(8 / 2) + Math.log(14 / 8)) / 2)
  close(base + country + event_1, offset)
  t.equal(shared(0, { country: null, event_1: 6 }).country, 0, 'what is not known has no share')
  // The logarithm of nothing.
  t.same(shared(-2, { country: 'es', event_1: 6 }), {
    base: 0,
    offset: naturalLog(12),
    country: naturalLog(12) / 2,
    event_1: naturalLog(12) / 2,
  })
  t.equal(planOf([{ name: 'n', op: 'number', field: 'event_1' }]).shareOffset(EXAMPLE_ROW), null)
  t.end()
})

t.test('texts that come again, and more of them than are remembered', (t) => {
  const lookup = {
    op: 'lookup',
    field: 'country',
    encoding: 'code',
    fold: 'ascii_lower',
    unknown: -1,
    missing: null,
  }
  const plan = planOf([
    { name: 'code', ...lookup, values: { c7: 7, c8: 8 } },
    { name: 'twice', op: 'sum', of: ['code', 'code'] },
    { name: 'gone', op: 'is_missing', field: 'country' },
  ])
  const row = new Float64Array(3)
  for (let i = 0; i < 5000; i++) {
    plan.encode(rowOf({ ...EXAMPLE, country: `C${i % 2500}` }), row)
    const code = [7, 8].includes(i % 2500) ? i % 2500 : -1
    if (row.join() !== [code, 2 * code, 0].join()) t.fail(`C${i % 2500}: ${row.join()}`)
  }
  for (const [country, expected] of [
    [null, 'NaN,0,1'],
    ['', 'NaN,0,1'],
    ['c8', '8,16,0'],
  ] as const) {
    plan.encode(rowOf({ ...EXAMPLE, country }), row)
    t.equal(row.join(), expected)
  }
  t.end()
})

t.test('number and is_missing', (t) => {
  const number = { name: 'a', op: 'number', field: 'event_3' }
  t.same(encode([number], { event_3: 2.5 }), 2.5)
  t.equal(encode([number], { event_3: 5e-324 }), 5e-324)
  t.same(encode([number], { event_3: null }), NaN)
  const isMissing = (field: string) => [{ name: 'a', op: 'is_missing', field }]
  t.same(encode(isMissing('event_3'), { event_3: null }), 1)
  t.equal(encode(isMissing('event_3'), { event_3: 0 }), 0)
  t.equal(encode(isMissing('source'), { source: '' }), 1)
  t.equal(encode(isMissing('source'), { source: ' ' }), 0)
  t.end()
})

t.test('lookup', (t) => {
  const column = {
    name: 'a',
    op: 'lookup',
    field: 'country',
    encoding: 'frequency',
    fold: 'ascii_lower',
    values: JSON.parse('{"es": 0.5, "São Paulo": 7, "sÃo": 8, "__proto__": 9, "7": 10}'),
    unknown: -1,
    missing: null,
  }
  const at = (country: string | null) => encode([column], { country })
  t.equal(at('es'), 0.5)
  t.equal(at('ES'), 0.5)
  t.equal(at('fr'), -1)
  t.same(at(null), NaN)
  t.same(at(''), NaN)
  t.same(at(' es'), -1, 'white space is not trimmed')
  t.equal(at('SÃO'), 8, 'only A–Z are folded')
  t.equal(at('__proto__'), 9)
  t.equal(at('constructor'), -1, 'names that every object has are unknown texts')
  t.equal(at('7'), 10)
  t.equal(encode([{ ...column, fold: 'none' }], { country: 'ES' }), -1)
  const firstWord = (country: string) => encode([{ ...column, fold: 'ascii_lower_first_word' }], { country })
  t.equal(firstWord('ES of the north'), 0.5)
  t.equal(firstWord('es\u00a0x'), -1, 'only the plain space parts words')
  t.equal(firstWord(' es'), -1, 'the first word may be empty')
  t.equal(encode([{ ...column, fold: 'none' }], { country: 'São Paulo' }), 7)
  t.end()
})

t.test('version_part', (t) => {
  const part = (part: number, os_version: string | null) =>
    encode([{ name: 'a', op: 'version_part', field: 'os_version', part, absent: part === 0 ? null : 0 }], {
      os_version,
    })
  t.equal(part(0, '14.4.1'), 14)
  t.equal(part(1, '14.4.1'), 4)
  t.equal(part(1, '10'), 0, 'an absent part')
  t.equal(part(2, '14.4'), 0)
  t.equal(part(0, '9-beta.1'), 9)
  t.same(part(1, '14.x'), NaN)
  t.same(part(0, 'abc'), NaN)
  t.same(part(0, ''), NaN)
  t.same(part(0, null), NaN)
  t.same(part(1, '14.'), NaN)
  t.same(part(0, '٣.1'), NaN, 'digits of other alphabets are not digits')
  t.same(part(0, '123456789012345'), 123456789012345)
  t.same(part(0, '1234567890123456'), NaN, 'more digits than a double keeps')
  t.end()
})

t.test('sum and ratio', (t) => {
  const counts = ['event_1', 'event_2', 'event_3'].map((field) => ({ name: field, op: 'number', field }))
  const sum = [...counts, { name: 'total', op: 'sum', of: ['event_1', 'event_2', 'event_3'] }]
  t.same(encode(sum, { event_1: 0.1, event_2: 0.2, event_3: 0.3 }), 0.1 + 0.2 + 0.3, 'from left to right')
  t.equal(encode(sum, { event_1: 1, event_2: 2, event_3: null }), 3, 'NaN counts as 0')
  const ratio = (plus: number) => [
    ...counts,
    { name: 'r', op: 'ratio', numerator: 'event_1', denominator: 'event_2', plus },
  ]
  t.equal(encode(ratio(1), { event_1: 1, event_2: 2 }), 1 / 3)
  t.equal(encode(ratio(0), { event_1: 1, event_2: 0 }), Infinity)
  t.same(encode(ratio(0), { event_1: 0, event_2: 0 }), NaN)
  const ofMissing = [
    ...counts,
    { name: 'r', op: 'ratio', numerator: 'event_3', denominator: 'event_2', plus: 1 },
  ]
  t.same(encode(ofMissing, { event_3: null }), NaN)
  t.end()
})

t.test('product and log', (t) => {
  const counts = ['event_1', 'event_2', 'event_3'].map((field) => ({ name: field, op: 'number', field }))
  const product = [...counts, { name: 'p', op: 'product', of: ['event_1', 'event_2', 'event_3'] }]
  t.equal(
    encode(product, { event_1: 0.1, event_2: 0.7, event_3: 0.3 }),
    0.1 * 0.7 * 0.3,
    'from left to right',
  )
  t.not(0.1 * 0.7 * 0.3, 0.1 * (0.7 * 0.3), 'these factors tell')
  t.same(encode(product, { event_1: 0, event_2: 1, event_3: null }), NaN)
  const log = (plus: number) => [...counts, { name: 'l', op: 'log', argument: 'event_3', plus }]
  t.equal(encode(log(1), { event_3: 0 }), 0)
  t.equal(encode(log(0), { event_3: 0 }), -Infinity)
  t.same(encode(log(-2), { event_3: 1 }), NaN)
  t.same(encode(log(1), { event_3: null }), NaN)
  t.end()
})

const LATER = {
  format: 'day7-inputs/1',
  fields: [
    { name: 'at', kind: 'time' },
    { name: 'on', kind: 'boolean' },
    ...Array.from({ length: 14 }, (_, i) => ({ name: `n ${i}`, kind: 'number' })),
  ],
  target: { name: 'revenue', horizonDays: 7 },
}

function encodeLater(columns: Column[], install: Install, features = [columns.at(-1)!['name']]): number[] {
  const schema = parseInputSchema(LATER)
  const plan = parseFeaturePlan({ format: 'day7-feature-plan/2', columns, features, offset: null }, schema)
  const row = new Float64Array(features.length)
  plan.encode(rowOf(install, schema), row)
  return [...row]
}

t.test('time_part', (t) => {
  const parts = ['day', 'hour', 'weekday']
  const columns = parts.map((part) => ({ name: part, op: 'time_part', field: 'at', part }))
  const at = (text: string | null) =>
    encodeLater(columns, { at: text === null ? null : Date.parse(text) }, parts)
  t.same(at('1970-01-01T00:00:00Z'), [0, 0, 3], 'a Thursday')
  t.same(at('1969-12-31T23:59:59.999Z'), [-1, 23, 2])
  t.same(at('2026-11-30T10:59:59.999Z'), [20787, 10, 0], 'a Monday')
  t.same(at('0001-01-01T00:00:00Z'), [-719162, 0, 0])
  t.same(at('9999-12-31T23:00:00Z'), [2932896, 23, 4])
  t.same(at(null), [NaN, NaN, NaN])
  t.end()
})

t.test('difference, linear and clip', (t) => {
  const numbers = ['n 0', 'n 1'].map((field) => ({ name: field.replace(' ', '_'), op: 'number', field }))
  const of = (column: Column, a: number | null, b: number | null = 0) =>
    encodeLater([...numbers, { name: 'x', ...column }], { 'n 0': a, 'n 1': b })[0]
  const difference = { op: 'difference', minuend: 'n_0', subtrahend: 'n_1' }
  t.equal(of(difference, 0.3, 0.1), 0.3 - 0.1)
  t.same([of(difference, null, 1), of(difference, 1, null)], [NaN, NaN])
  const linear = { op: 'linear', argument: 'n_0', factor: 0.1, plus: 0.3 }
  t.equal(of(linear, 3), 3 * 0.1 + 0.3, 'two operations, each rounded')
  t.same(of(linear, null), NaN)
  const clip = (minimum: number | null, maximum: number | null) => ({
    op: 'clip',
    argument: 'n_0',
    minimum,
    maximum,
  })
  t.same(
    [-5, 0.5, 7].map((value) => of(clip(0, 1), value)),
    [0, 0.5, 1],
  )
  t.same(
    [-5, 7].map((value) => of(clip(null, 1), value)),
    [-5, 1],
  )
  t.same(
    [-5, 7].map((value) => of(clip(0, null), value)),
    [0, 7],
  )
  t.same(of(clip(0, 1), null), NaN)
  t.throws(() => of(clip(2, 1), 1), {
    message: /columns\[2\]\.minimum: expected at most 1, as the maximum, got 2/,
  })
  t.throws(() => of({ ...difference, minuend: 'x' }, 1), {
    message: /minuend: expected the name of an earlier column/,
  })
  t.end()
})

t.test('step', (t) => {
  const step = (edges: unknown, values: unknown, missing: number | null = null) => [
    { name: 'n', op: 'number', field: 'n 0' },
    { name: 'x', op: 'step', argument: 'n', edges, values, missing },
  ]
  const of = (value: number | null) =>
    encodeLater(step([0, 1.5, 3], [10, 20, 30, 40], -1), { 'n 0': value })[0]
  t.same([-1, 0, 1e-9, 1.5, 2, 3, 3.1].map(of), [10, 10, 20, 20, 30, 30, 40], 'an edge is not above itself')
  t.equal(of(null), -1)
  t.same(encodeLater(step([], [7]), { 'n 0': 1 }), [7], 'without edges it is the same for all')
  t.same(encodeLater(step([], [7]), {}), [NaN])
  for (const [edges, values, message] of [
    [[1, 1], [1, 2, 3], /columns\[1\]\.edges\[1\]: expected a number above 1, got 1/],
    [[1], [1], /columns\[1\]\.values: expected 2 numbers, one more than edges, got \[1\]/],
    [['1'], [1, 2], /columns\[1\]\.edges\[0\]: expected a number, got "1"/],
    [1, [1], /columns\[1\]\.edges: expected a list of numbers, got 1/],
  ] as const)
    t.throws(() => encodeLater(step(edges, values), {}), { message })
  t.end()
})

t.test('a number may be a boolean or a time', (t) => {
  const number = (field: string) => [{ name: 'x', op: 'number', field }]
  t.same(encodeLater(number('on'), { on: true }), [1])
  t.same(encodeLater(number('on'), { on: false }), [0])
  t.same(encodeLater(number('on'), {}), [NaN])
  t.same(encodeLater(number('at'), { at: 1234 }), [1234])
  t.end()
})

t.test('an offset of more inputs than have all their orders tried', (t) => {
  const schema = parseInputSchema(LATER)
  const names = schema.fields.filter(({ kind }) => kind === 'number').map(({ name }) => name)
  t.ok(names.length > 12)
  const columns = [
    ...names.map((field) => ({ name: field, op: 'number', field })),
    { name: 'all', op: 'sum', of: names },
    { name: 'offset', op: 'log', argument: 'all', plus: 1 },
  ]
  const plan = parseFeaturePlan(
    { format: 'day7-feature-plan/1', columns, features: [names[0]], offset: 'offset' },
    schema,
  )
  const row = schema.fields.map(({ kind }, at) => (kind === 'number' ? (at % 3 === 0 ? null : at) : null))
  const offset = plan.encode(row, new Float64Array(1))
  const { base, shares } = plan.shareOffset(row)!
  t.equal(base, 0, 'the logarithm of 1')
  const sum = [...shares.values()].reduce((sum, share) => sum + share, base)
  t.ok(Math.abs(sum - offset) < 1e-12, `${sum} is ${offset}`)
  t.same(
    [...shares].filter(([, share]) => share === 0).map(([name]) => name),
    names.filter((name) => row[schema.indexOf(name)] === null),
    'what is not known has no share',
  )
  // Of equal values the shares are nearly equal, whatever their places.
  const equal = schema.fields.map(({ kind }) => (kind === 'number' ? 2 : null))
  const some = [...plan.shareOffset(equal)!.shares.values()]
  t.ok(Math.max(...some) / Math.min(...some) < 1.001, `${Math.min(...some)} to ${Math.max(...some)}`)
  t.end()
})

t.test('naturalLog', (t) => {
  const numbers = fc.double({ min: 5e-324, noNaN: true, noDefaultInfinity: true })
  fc.assert(
    fc.property(numbers, (x) => {
      const expected = Math.log(x)
      return Math.abs(naturalLog(x) - expected) <= 2 ** -51 * Math.abs(expected)
    }),
    { examples: [[5e-324], [2 ** -1022], [Number.MAX_VALUE], [0.5], [Math.SQRT1_2], [1], [1 + 2 ** -52]] },
  )
  t.equal(naturalLog(1), 0)
  t.equal(naturalLog(Infinity), Infinity)
  t.equal(naturalLog(0), -Infinity)
  t.equal(naturalLog(-0), -Infinity)
  t.same([naturalLog(-1), naturalLog(NaN)], [NaN, NaN])
  t.end()
})

t.test('features are picked in their own order, and the offset is returned', (t) => {
  const columns = ['event_1', 'event_2', 'event_3'].map((field) => ({ name: field, op: 'number', field }))
  const plan = planOf(columns, ['event_3', 'event_1'], 'event_2')
  const row = new Float64Array(2)
  t.equal(plan.encode(rowOf({ ...EXAMPLE, event_1: 1, event_2: 2, event_3: 3 }), row), 2)
  t.same([...row], [3, 1])
  t.equal(planOf(columns).encode(EXAMPLE_ROW, new Float64Array(3)), 0)
  t.end()
})

t.test('a plan that is not understood is refused, with the place', (t) => {
  const good = { name: 'a', op: 'number', field: 'event_1' }
  const lookup = {
    name: 'a',
    op: 'lookup',
    field: 'country',
    encoding: 'code',
    fold: 'none',
    values: {},
    unknown: 0,
    missing: 0,
  }
  const wrong: [string, RegExp, () => unknown][] = [
    [
      'not an object',
      /the document: expected an object, got null/,
      () => parseFeaturePlan(null, NINE_FIELDS),
    ],
    [
      'format',
      /format: expected "day7-feature-plan\/1" or "day7-feature-plan\/2", got "x"/,
      () => parseFeaturePlan({ format: 'x' }, NINE_FIELDS),
    ],
    [
      'columns',
      /columns: expected a list/,
      () => parseFeaturePlan({ format: 'day7-feature-plan/1' }, NINE_FIELDS),
    ],
    ['no features', /features: expected a list/, () => planOf([good], [])],
    [
      'operator',
      /columns\[0\].op: expected one of number, .*got "log2"/,
      () => planOf([{ ...good, op: 'log2' }]),
    ],
    ['no operator', /columns\[0\].op/, () => planOf([{ name: 'a' }])],
    [
      'key too many',
      /columns\[0\]: expected only the keys name, op, field, got "clip"/,
      () => planOf([{ ...good, clip: 1 }]),
    ],
    ['key too few', /columns\[0\]: expected the key "field"/, () => planOf([{ name: 'a', op: 'number' }])],
    ['field', /columns\[0\].field: expected one of event_1/, () => planOf([{ ...good, field: 'country' }])],
    ['name', /columns\[0\].name: expected a name/, () => planOf([{ ...good, name: '' }])],
    ['name twice', /columns\[1\].name: expected a name used once/, () => planOf([good, good])],
    ['feature twice', /features: expected names used once/, () => planOf([good], ['a', 'a'])],
    ['unknown feature', /features\[0\]: expected the name of a column, got "b"/, () => planOf([good], ['b'])],
    ['unknown offset', /offset: expected the name of a column/, () => planOf([good], ['a'], 'b')],
    [
      'later column',
      /columns\[0\].of\[0\]: expected the name of an earlier/,
      () => planOf([{ name: 's', op: 'sum', of: ['a'] }, good]),
    ],
    ['itself', /columns\[0\].of\[0\]/, () => planOf([{ name: 's', op: 'sum', of: ['s'] }])],
    ['nothing to add', /columns\[0\].of: expected a list/, () => planOf([{ name: 's', op: 'sum', of: [] }])],
    [
      'value',
      /columns\[0\].values\["es"\]: expected a number, got "1"/,
      () => planOf([{ ...lookup, values: { es: '1' } }]),
    ],
    ['values', /columns\[0\].values: expected an object/, () => planOf([{ ...lookup, values: [1] }])],
    ['encoding', /columns\[0\].encoding: expected one of code/, () => planOf([{ ...lookup, encoding: 'x' }])],
    ['fold', /columns\[0\].fold: expected one of none/, () => planOf([{ ...lookup, fold: 'upper' }])],
    [
      'unknown',
      /columns\[0\].unknown: expected a finite number/,
      () => planOf([{ ...lookup, unknown: 'x' }]),
    ],
    [
      'part',
      /columns\[0\].part: expected a whole number/,
      () => planOf([{ name: 'v', op: 'version_part', field: 'os_version', part: 0.5, absent: 0 }]),
    ],
  ]
  for (const [name, message, read] of wrong) t.throws(read, { name: 'FeaturePlanError', message }, name)
  t.throws(() => planOf([good], ['b']), FeaturePlanError)
  t.end()
})
