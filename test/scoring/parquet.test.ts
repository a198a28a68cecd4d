/**
 * Parquet files as other programs write them: every codec, the types that tables come in, pages and groups; and what is refused.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { Writable } from 'node:stream'
import t from 'tap'
import { PYTHON } from '../../training/venv.ts'
import { type Install, apiAnswers, countsOf, golden, score } from './files.ts'

const folder = t.testdir()
// An even number; of each twentieth some are odd, and the API refuses none.
const installs = golden.filter((install, i) => i % 20 === 0 && !JSON.stringify(install).includes('\\u0000'))
const some: readonly Install[] = installs.slice(0, installs.length & ~1)
const source = join(folder, 'installs.ndjson')
writeFileSync(source, some.map((install) => JSON.stringify(install)).join('\n'))
execFileSync(PYTHON, ['-B', 'test/scoring/make_parquet.py', source, folder], { stdio: 'inherit' })

const fileOf = (name: string): string => join(folder, `${name}.parquet`)
const records = (csv: string): Record<string, string>[] => parse(csv, { columns: true })
const revenues = (csv: string): number[] => records(csv).map((row) => Number(row['predicted_revenue']))

t.test('every codec, pages and groups: the API’s numbers', async (t) => {
  const expected = (await apiAnswers(some)).map(({ predicted_revenue }) => predicted_revenue)
  for (const name of ['none', 'snappy', 'gzip', 'brotli', 'zstd', 'lz4', 'groups', 'pages', 'pandas']) {
    const { output, faults, summary } = await score(fileOf(name))
    t.same(
      [revenues(output), faults, countsOf(summary)],
      [expected, '', { leftOut: [], predicted: some.length, failed: 0 }],
      name,
    )
  }
})

t.test('the types that tables come in', async (t) => {
  const { output, faults } = await score(fileOf('types'))
  t.equal(faults, '')
  const rows = records(output)
  const whole = some.map((install) => ({
    ...install,
    event_1: Number.isSafeInteger(install.event_1) ? install.event_1! : 0,
    event_2: Math.min(Math.trunc(install.event_2!), 2 ** 31 - 1),
    event_3: install.event_3 === null ? null : Math.fround(install.event_3),
  }))
  t.same(
    revenues(output),
    (await apiAnswers(whole)).map(({ predicted_revenue }) => predicted_revenue),
  )
  t.match(rows[0], {
    big: '1152921504606846977',
    day: '2026-01-02',
    time: '2026-01-02T03:04:05.000',
    flag: 'true',
    tags: '["a","b,c"]',
    nothing: '',
    note: 'a "quoted", note',
  })

  const chunks: Buffer[] = []
  const to = new Writable({ write: (chunk, _, done) => (chunks.push(Buffer.from(chunk)), done()) })
  await score(fileOf('types'), { output: { to, format: 'ndjson' } })
  const text = Buffer.concat(chunks).toString()
  t.match(text, /"big":1152921504606846977,"day":"2026-01-02"/)
  const [first] = text.split('\n').map((line) => line && JSON.parse(line))
  t.match(first, {
    flag: true,
    tags: ['a', 'b,c'],
    nothing: null,
    note: 'a "quoted", note',
    country: some[0]!.country,
  })
  t.equal(first.predicted_revenue, revenues(output)[0])
})

t.test('rows that cannot be predicted, by their number', async (t) => {
  const faultsOf = async (name: string) => {
    const { faults, summary } = await score(fileOf(name))
    return {
      summary: countsOf(summary),
      faults: records(faults).map(({ line, error }) => `${line} ${error}`),
    }
  }
  const half = some.length / 2
  const bytes = await faultsOf('bytes')
  t.same(bytes.summary, { leftOut: [], predicted: half, failed: half })
  t.equal(bytes.faults[0], '2 country: expected UTF-8, got other bytes')
  const negative = await faultsOf('negative')
  t.equal(negative.faults[1], '3 event_1: expected a number ≥ 0, got -1')
  // A text of a number is read as a cell is.
  t.same((await faultsOf('words')).summary, { leftOut: [], predicted: some.length, failed: 0 })
  t.same((await faultsOf('nulls')).summary, { leftOut: [], predicted: some.length, failed: 0 })
  t.same((await faultsOf('none_at_all')).summary, { leftOut: [], predicted: 0, failed: 0 })
})

t.test('what is refused as a whole', async (t) => {
  const whole = readFileSync(fileOf('snappy'))
  const spoilt = (name: string, bytes: Uint8Array): string => {
    writeFileSync(fileOf(name), bytes)
    return name
  }
  const damaged = Uint8Array.from(whole)
  damaged.fill(0xff, 4, 200)
  for (const [name, message] of [
    ['dates', /^column country: expected texts, got INT32 DATE$/],
    ['numbers', /^column country: expected texts, got INT64$/],
    ['times', /^column event_1: expected numbers, got INT64 TIMESTAMP$/],
    ['lists', /^column event_1: expected numbers, got lists or structures$/],
    ['missing', /^expected the columns country, .*; missing: event_2; got country, /],
    ['added', /^expected no column predicted_revenue: it is what is added/],
    [
      spoilt('cut', whole.subarray(0, whole.length / 2)),
      /ends with PAR1, got other bytes; is it complete\?$/,
    ],
    [spoilt('text', Buffer.from('country,source\n')), /begins with PAR1, got other bytes$/],
    [spoilt('damaged', damaged), new RegExp(`^rows 1 to ${some.length}: expected pages that can be read: `)],
    [
      spoilt(
        'footer',
        Buffer.concat([whole.subarray(0, -8), Buffer.from([255, 255, 255, 127]), Buffer.from('PAR1')]),
      ),
      /expected the metadata of a Parquet file at its end/,
    ],
  ] as const)
    await t.rejects(score(fileOf(name)), { name: 'InputError', message }, name)
})
