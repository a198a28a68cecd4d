/**
 * Records → lines → what a damaged file of lines still holds.
 */
import fc from 'fast-check'
import t from 'tap'
import { LOG_FIELDS } from '../../../src/prediction-log/index.ts'
import { isWhole, LineBuffer, predictionIdOf, sift, timeOf } from '../../../src/prediction-log/spool/line.ts'
import { recordOf } from '../records.ts'

const ALL = new Set(LOG_FIELDS)

function linesOf(count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => {
    const lines = new LineBuffer(ALL)
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
  const lines = new LineBuffer(ALL)
  lines.append(record)
  const line = Buffer.from(lines.take())
  t.match(line.toString(), /^[0-9a-f]{8}\t/)
  t.equal(
    line.toString().slice(9),
    `${record.predictionId}\t2026-01-02T03:04:05.678Z\ttab\\tline\\nreturn\\rslash\\\\\t\\N\tMadrid\t\tiOS\tApple iPhone\t14.4\t100\t50\t10\t0.25\t-1.3862943611198906\t12\tday7-revenue\t1\tchampion\n`,
  )
  t.ok(isWhole(line))
  t.equal(predictionIdOf(line), record.predictionId)
  t.equal(timeOf(line), record.time.getTime())
  t.equal(lines.take().length, 0, 'what was taken is gone')
  t.end()
})

t.test('inputs that are not to be kept are null', (t) => {
  const lines = new LineBuffer(new Set(['country', 'event_3'] as const))
  lines.append(recordOf())
  const fields = lines.take().toString().split('\t')
  t.same(fields.slice(3, 13), ['\\N', 'es', ...Array.from({ length: 7 }, () => '\\N'), '10'])
  t.end()
})

t.test('many and large records in one buffer', (t) => {
  const lines = new LineBuffer(ALL)
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
