/**
 * Values that the model does not know, counted over formats, pieces and threads.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { UnknownSum, UnknownTally } from '../../src/scoring/unknown-values.ts'
import { EXAMPLE } from '../example.ts'
import { csvLinesOf, score } from './files.ts'

const KINDS = [
  { field: 'country', reason: 'blanks' },
  { field: 'country', reason: 'unseen' },
] as const
const ROWS = 20_000
const installs = Array.from({ length: ROWS }, (_, i) => ({
  ...EXAMPLE,
  // As training has it.
  country_region: 'belville',
  event_1: 1,
  country: i % 2 ? 'us ' : i % 10 ? 'us' : `land ${i}`,
}))

t.test('of many pieces', async (t) => {
  for (const [name, lines] of [
    ['many.csv', csvLinesOf(installs)],
    ['many.ndjson', installs.map((install) => JSON.stringify(install))],
  ] as const) {
    const path = join(t.testdir(), name)
    writeFileSync(path, lines.join('\n'))
    const { summary } = await score(path, { threads: 2 })
    t.equal(summary.predicted, ROWS)
    t.same(
      summary.unknown[0],
      { ...KINDS[0], rows: ROWS / 2, mostOften: { text: 'us ', rows: ROWS / 2 } },
      name,
    )
    t.match(summary.unknown[1], { ...KINDS[1], rows: ROWS / 10, mostOften: { rows: 1 } }, 'each text once')
    t.equal(summary.unknown.length, 2)
  }
})

t.test('a row counts, even where its text is one too many to be counted by itself', (t) => {
  const tally = new UnknownTally(KINDS)
  for (let i = 0; i < 5000; i++) tally.add(1, `land ${i}`)
  const sum = new UnknownSum()
  const taken = tally.take()
  sum.add(taken)
  sum.add(taken)
  sum.add(tally.take())
  t.match(sum.values(), [{ ...KINDS[1], rows: 10_000, mostOften: { text: 'land 0', rows: 2 } }])
  t.equal(taken[0]!.texts.size, 1000)
  t.end()
})
