/**
 * Records → lines → what a damaged file of lines still holds.
 */
import fc from 'fast-check'
import t from 'tap'
import { type Kind, parseInputSchema, type Value, valueToJson } from '../../../src/inputs/index.ts'
import type { LoggedFields } from '../../../src/prediction-log/index.ts'
import { isWhole, predictionIdOf, timeOf } from '../../../src/prediction-log/spool/line.ts'
import { LineBuffer, type Spooled } from '../../../src/prediction-log/spool/line-buffer.ts'
import { sift } from '../../../src/prediction-log/spool/sift.ts'
import { recordOf } from '../records.ts'

function linesOf(count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => {
    const lines = new LineBuffer(null)
    lines.append(recordOf({ userId: `player ${i}` }))
    return Buffer.from(lines.take())
  })
}

const joined = (parts: readonly Buffer[]): string => Buffer.concat(parts).toString('latin1')

t.test('a line is a checksum and the record as COPY reads it', (t) => {
  const record = recordOf({
    userId: 'tab\tline\nreturn\rslash\\',
    install: { ...recordOf().install, country: null, source: '' },
  })
  const lines = new LineBuffer(null)
  lines.append(record)
  const line = Buffer.from(lines.take())
  t.match(line.toString(), /^[0-9a-f]{8}\t/)
  t.equal(
    line.toString().slice(9),
    `${record.predictionId}\t2026-01-02T03:04:05.678Z\ttab\\tline\\nreturn\\rslash\\\\\t5845e46e511e4d2d\t{"country":null,"country_region":"Madrid","source":"","platform":"iOS","device_family":"Apple iPhone","os_version":"14.4","event_1":100,"event_2":50,"event_3":10}\t0.25\t-1.3862943611198906\t12\tday7-revenue\t1\tchampion\n`,
  )
  t.ok(isWhole(line))
  t.equal(predictionIdOf(line), record.predictionId)
  t.equal(timeOf(line), record.time.getTime())
  t.equal(lines.take().length, 0, 'what was taken is gone')
  t.end()
})

/** What COPY makes of the inputs of a line. */
function inputsOf(line: Buffer): unknown {
  const field = line.toString().split('\t')[5]!
  return field === '\\N'
    ? null
    : JSON.parse(field.replaceAll(/\\(.)/g, (_, escape) => UNESCAPED[escape] ?? escape))
}

const UNESCAPED: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r' }

/** Through a buffer that has written a line before. */
function written(record: Spooled, fields: LoggedFields): Buffer {
  const lines = new LineBuffer(fields)
  lines.append(recordOf())
  lines.take()
  lines.append(record)
  return lines.take()
}

t.test('inputs that are not to be kept are missing', (t) => {
  const line = written(recordOf(), new Set(['country', 'event_3', 'no field']))
  t.same(inputsOf(line), { country: 'es', event_3: 10 })
  t.equal(line.toString().split('\t')[3], '\\N', 'nor is the user')
  t.same(inputsOf(written(recordOf(), new Set())), {})
  t.equal(
    written(recordOf(), new Set(['user_id']))
      .toString()
      .split('\t')[3],
    'player 1',
  )

  const schema = parseInputSchema({
    format: 'day7-inputs/1',
    fields: [
      { name: 'advertising id', kind: 'text', roles: ['personal'] },
      { name: 'level', kind: 'number' },
    ],
    target: { name: 'revenue', horizonDays: 3 },
  })
  const record = { ...recordOf(), inputs: schema, row: ['abc', 7] }
  t.same(inputsOf(written(record, null)), { level: 7 }, 'what is personal is left out')
  t.same(
    inputsOf(written(record, new Set(['advertising id']))),
    { 'advertising id': 'abc' },
    'unless it is named',
  )
  t.end()
})

t.test('a shadow has no inputs', (t) => {
  const line = written({ ...recordOf(), inputs: null, row: [], variant: 'shadow' }, null)
  t.equal(inputsOf(line), null)
  t.equal(line.toString().split('\t')[4], '\\N')
  t.ok(isWhole(line))
  t.end()
})

t.test('whatever names and values are, JSON and COPY give them back', (t) => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.string({
      unit: fc.constantFrom('\\', '"', '\t', '\n', '\r', '\u0001', '\u007f', '\u2028', 'é', '😀', 'a', '}'),
      maxLength: 40,
    }),
  )
  const name = fc
    .string({
      unit: fc.constantFrom('\\', '"', "'", ',', ' ', 'é', '😀', 'a', 'B', '}', ':'),
      minLength: 1,
      maxLength: 20,
    })
    .filter((name) => name.trim() === name)
  const value: Readonly<Record<Kind, fc.Arbitrary<Value>>> = {
    text,
    number: fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    boolean: fc.constantFrom(0, 1),
    time: fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }),
  }
  const field = fc
    .tuple(name, fc.constantFrom<Kind>('text', 'number', 'boolean', 'time'))
    .chain(([name, kind]) => fc.tuple(fc.constant({ name, kind }), fc.option(value[kind])))
  fc.assert(
    fc.property(
      fc.uniqueArray(field, { selector: ([{ name }]) => name, minLength: 1, maxLength: 9 }),
      (fields) => {
        const inputs = parseInputSchema({
          format: 'day7-inputs/1',
          fields: fields.map(([field]) => field),
          target: { name: 'a target', horizonDays: 1 },
        })
        const row = fields.map(([, value]) => value)
        const line = written({ ...recordOf(), inputs, row }, null)
        const wanted = Object.fromEntries(
          inputs.fields.map((field, at) => [field.name, valueToJson(field, row[at]!)]),
        )
        t.same(inputsOf(line), wanted)
        return isWhole(line)
      },
    ),
    { numRuns: 300, seed: 5 },
  )
  t.end()
})

t.test('many and large records in one buffer', (t) => {
  const lines = new LineBuffer(null)
  const records = Array.from({ length: 3000 }, (_, i) => recordOf({ userId: '😀'.repeat(i % 128) }))
  for (const record of records) lines.append(record)
  const { good, goodCount, bad, rest } = sift(lines.take())
  t.same([good.length, goodCount, bad.length, rest.length], [1, 3000, 0, 0], 'one run, nothing else')
  t.end()
})

t.test('whatever happens to a file, what is shipped of it was written', (t) => {
  const lines = linesOf(12)
  const whole = new Set(lines.map((line) => line.toString('latin1')))
  const damage = fc.record({ at: fc.nat(), length: fc.nat(400), bytes: fc.uint8Array({ maxLength: 300 }) })
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (damages) => {
      let bytes = Buffer.concat(lines)
      for (const { at, length, bytes: foreign } of damages) {
        const start = at % (bytes.length + 1)
        bytes = Buffer.concat([bytes.subarray(0, start), foreign, bytes.subarray(start + length)])
      }
      const { good, goodCount, bad, rest } = sift(bytes)
      const shipped = joined(good)
        .split(/(?<=\n)/)
        .filter(Boolean)
      if (shipped.length !== goodCount) return false
      const kept = Buffer.concat([...good, ...bad, rest])
      return kept.length === bytes.length && shipped.every((line) => whole.has(line))
    }),
    { numRuns: 2000, seed: 7 },
  )
  t.end()
})

t.test('only the lines that were hit are lost', (t) => {
  const lines = linesOf(5)
  const changed = Buffer.from(lines[2]!)
  changed[60]! ^= 1
  const foreign = Buffer.from('\0\xff no line\nnor this\n', 'latin1')
  const glued = Buffer.from('cut off')
  const torn = lines[0]!.subarray(0, 50)
  const { good, goodCount, bad, rest } = sift(
    Buffer.concat([lines[0]!, lines[1]!, changed, foreign, glued, lines[3]!, lines[4]!, lines[4]!, torn]),
  )
  t.equal(goodCount, 5)
  t.equal(joined(good), joined([lines[0]!, lines[1]!, lines[3]!, lines[4]!, lines[4]!]))
  t.equal(joined(bad), joined([changed, foreign, glued]))
  t.equal(joined([rest]), joined([torn]))
  t.end()
})
