/**
 * What `day7 predict` says of values that the model does not know.
 */
import t from 'tap'
import type { UnknownValue } from '../../src/scoring/index.ts'
import { unknownInWords, unknownReports } from '../../src/commands/unknown-values.ts'

const INPUTS = {
  format: 'day7-inputs/1',
  fields: [
    { name: 'country', kind: 'text' },
    { name: 'city', kind: 'text', roles: ['personal'] },
  ],
  target: { name: 'revenue', horizonDays: 7 },
}
const found = (field: string, rows: number) => ({
  field,
  reason: 'unseen' as const,
  rows,
  mostOften: { text: 'a "b"\u001b', rows: 1 },
})

t.test('the text, but of a personal field not', (t) => {
  const reports = unknownReports([found('country', 4313), found('city', 1)], INPUTS)
  t.same(
    reports.map(({ most_often }) => most_often),
    [{ text: 'a "b"\u001b', rows: 1 }, null],
  )
  t.same(unknownInWords(reports, 6000), [
    String.raw`country: 4,313 of 6,000 rows have a text that training never saw, most often "a \"b\"\u001b"`,
    'city: 1 of 6,000 rows have a text that training never saw',
  ])
  t.end()
})

t.test('what is outside, and outside of what', (t) => {
  const outside = (field: string, text: string, trained: UnknownValue['trained'] & object) => ({
    field,
    reason: 'outside' as const,
    rows: 12,
    trained,
    mostOften: { text, rows: 3 },
  })
  const at = '2026-01-01T00:00:00.000Z'
  const reports = unknownReports(
    [outside('country', '9999', { from: 0, to: 412 }), outside('city', '1', { from: at, to: null })],
    INPUTS,
  )
  t.match(reports[0], { trained: { from: 0, to: 412 }, most_often: { text: '9999' } })
  t.same(unknownInWords(reports, 6000), [
    'country: 12 of 6,000 rows have a value outside of what training saw, 0 to 412, most often 9999',
    `city: 12 of 6,000 rows have a value outside of what training saw, ${at} and later`,
  ])
  t.end()
})

t.test('ten at most', (t) => {
  const reports = unknownReports(
    Array.from({ length: 12 }, (_, i) => found(`f${i}`, 20 - i)),
    INPUTS,
  )
  const said = unknownInWords(reports, 20)
  t.equal(said.length, 11)
  t.equal(said.at(-1), 'and 2 more such findings; --json has all')
  t.end()
})
