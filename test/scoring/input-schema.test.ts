/**
 * `predict` with a model of five fields: the columns of its schema, whatever they are called, and cells of all kinds.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import t from 'tap'
import { loadBundle, type RawScoreExplanation, verifyBundle } from '../../src/bundle/index.ts'
import { PLAYER, writeFiveFields } from '../five-fields.ts'
import { score } from './files.ts'

const folder = t.testdir({})
const five = writeFiveFields(join(folder, 'five'))
const bundle = await loadBundle(five)
const parts = await verifyBundle(five)
const fileOf = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const records = (csv: string): Record<string, string>[] => parse(csv, { columns: true })
const revenueOf = (install: object) =>
  Number(bundle.predict(bundle.rowOf({ ...PLAYER, ...install })).revenue.toFixed(6))

const HEADER = 'player,country_code,💰 spend,"is ""new"", or not",installed at,sessions'

t.test('a CSV', async (t) => {
  const lines = [
    HEADER,
    'a,pe,2.5,Yes,31/12/2026 23:30,12',
    'b, N/A ,2.50,t,2026-12-31T23:30:00Z,12',
    'c,"DE",+2.5,0,1798759800,',
    'd,,.5e1,,,7.',
    'e,pe,1e7,,,',
    'f,pe,,,,',
    'g,pe,1,maybe,,',
    'h,pe,1,,31/02/2026,',
    `i,${'x'.repeat(257)},1,,,`,
  ]
  const { output, faults, summary } = await score(fileOf('five.csv', lines.join('\n')), {
    parts,
    explain: true,
  })
  t.same(summary, { leftOut: [], predicted: 4, failed: 5, unknown: [] })
  const rows = records(output)
  t.same(
    rows.map((row) => Number(row['predicted_revenue'])),
    [
      revenueOf({}),
      revenueOf({ 'Country Code': null }),
      revenueOf({ 'Country Code': 'DE', 'is "new", or not': false, sessions: null }),
      revenueOf({
        'Country Code': null,
        '💰 spend': 5,
        'is "new", or not': null,
        'installed at': null,
        sessions: 7,
      }),
    ],
  )
  const { base_value, contributions } = bundle.explain(bundle.rowOf(PLAYER)) as RawScoreExplanation
  t.equal(Number(rows[0]!['base_value']), base_value)
  const columnOf = (field: string) => (field === 'Country Code' ? 'country_code' : field)
  for (const { feature, contribution } of contributions)
    t.equal(Number(rows[0]![`contribution_${columnOf(feature)}`]), contribution, feature)
  t.same(
    records(faults).map(({ line, error }) => `${line} ${error}`),
    [
      '6 💰 spend: expected a number ≤ 1000000, got 10000000',
      '7 💰 spend: expected number, got null',
      '8 is "new", or not: expected true or false, got "maybe"',
      '9 installed at: expected time as day/month/year, in ISO 8601 or as epoch, got "31/02/2026"',
      '10 Country Code: expected at most 256 characters, got 257',
    ],
  )
})

t.test('values outside of what training saw are predicted, and counted', async (t) => {
  const rows = ['pe,501,,2025-12-31,41', 'pe,500,,2030-01-01,', 'pe,501,,,40']
  const { summary } = await score(
    fileOf('outside.csv', [HEADER.replace('player,', ''), ...rows].join('\n')),
    { parts },
  )
  t.same(summary.unknown, [
    {
      field: '💰 spend',
      reason: 'outside',
      trained: { from: 0, to: 500 },
      rows: 2,
      mostOften: { text: '501', rows: 2 },
    },
    {
      field: 'installed at',
      reason: 'outside',
      trained: { from: '2026-01-01T00:00:00.000Z', to: null },
      rows: 1,
      mostOften: { text: '2025-12-31T00:00:00.000Z', rows: 1 },
    },
    {
      field: 'sessions',
      reason: 'outside',
      trained: { from: 0, to: 40 },
      rows: 1,
      mostOften: { text: '41', rows: 1 },
    },
  ])
})

t.test('columns that are not required, and those that are', async (t) => {
  const short = HEADER.replace(',sessions', '').replace('player,', '')
  const { output } = await score(fileOf('short.csv', `${short}\npe,2.5,1,\n`), { parts })
  t.equal(
    Number(records(output)[0]!['predicted_revenue']),
    revenueOf({ 'installed at': null, sessions: null }),
  )
  await t.rejects(score(fileOf('poor.csv', `${HEADER.replace(',💰 spend', '')}\n`), { parts }), {
    code: 'INPUT_INVALID',
    message: /the columns country_code, 💰 spend, .*; missing: 💰 spend; got player, country_code, /,
  })
})

t.test('NDJSON', async (t) => {
  const { sessions: _, ...short } = PLAYER
  const installs = [
    PLAYER,
    { ...short, extra: [1] },
    { ...PLAYER, '💰 spend': '2.5', 'is "new", or not': 'TRUE', sessions: '12' },
    { '💰 spend': 1 },
    { ...PLAYER, '💰 spend': 'much' },
    short && { ...short, '💰 spend': undefined },
  ]
  const text = installs.map((install) => JSON.stringify(install)).join('\n')
  const { output, faults } = await score(fileOf('five.ndjson', text), { parts })
  const nothing = Object.fromEntries(Object.keys(PLAYER).map((name) => [name, null]))
  t.same(
    output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).predicted_revenue),
    [revenueOf({}), revenueOf({ sessions: null }), revenueOf({}), revenueOf({ ...nothing, '💰 spend': 1 })],
  )
  t.same(
    records(faults).map(({ line, error }) => `${line} ${error}`),
    ['5 💰 spend: expected a decimal number, got "much"', '6 💰 spend: expected, but it is missing'],
  )
})
