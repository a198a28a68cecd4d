/**
 * Part files as Spark and BigQuery write them: which are read, in which order, what their paths tell, and where they have to be alike.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import t from 'tap'
import { formatOfName, type NamedFormat } from '../../src/formats/index.ts'
import { findParts } from '../../src/scoring/index.ts'
import { EXAMPLE } from '../example.ts'
import { apiAnswers, csvLine, FIELDS, parts as bundle, score, type Scored } from './files.ts'
import type { ScoringOptions } from '../../src/scoring/index.ts'

const root = t.testdir()
const write = (name: string, content: string | Uint8Array): string => {
  mkdirSync(dirname(join(root, name)), { recursive: true })
  writeFileSync(join(root, name), content)
  return join(root, name)
}
const OWN: typeof FIELDS = FIELDS.filter((field) => field !== 'country')
const csv = (source: string, columns = OWN, separator = ','): string =>
  `${columns.join(separator)}\n${csvLine(columns.map((field) => (field === 'source' ? source : EXAMPLE[field]))).replaceAll(',', separator)}\n`

async function scoreParts(path: string, options: Partial<ScoringOptions> = {}): Promise<Scored> {
  const found = await findParts(path)
  const input = found.map((part) => ({
    from: part.path,
    told: part.told,
    format: formatOfName(basename(part.path)) as NamedFormat,
  }))
  return score(found[0]!.path, { input, parts: bundle, ...options })
}

t.test('which files, in which order, and what their paths tell', async (t) => {
  for (const name of [
    'sorted/dt=2026-01-02/b.csv',
    'sorted/dt=2026-01-02/a.csv',
    'sorted/dt=__HIVE_DEFAULT_PARTITION__/c.csv',
    'sorted/dt=a%2Fb%C3%A9/d.csv',
    'sorted/dt=%zz/e.csv',
    'sorted/_SUCCESS',
    'sorted/dt=%zz/_x.csv',
    'sorted/.hidden/f.csv',
    'sorted/_temporary/g.csv',
    'sorted/dt=%zz/.e.csv.crc',
  ])
    write(name, 'x')
  const expected = [
    ['e.csv', '%zz'],
    ['a.csv', '2026-01-02'],
    ['b.csv', '2026-01-02'],
    ['c.csv', ''],
    ['d.csv', 'a/bé'],
  ]
  for (const path of ['sorted', 'sorted/', 'sorted/*', 'sorted/**/*.csv', 'sorted/dt=*/?.csv']) {
    const found = await findParts(join(root, path))
    const read = found.map(({ path, told }) => [basename(path), told.map(({ cell }) => cell).join()])
    t.same(read, expected, path)
  }
  const odd = write('mixed/e.csv', 'x')
  write('mixed/a=1/x.csv', 'x')
  await t.rejects(findParts(join(root, 'mixed')), {
    message: `${odd}: expected the partitions a as of ${join(root, 'mixed/a=1/x.csv')}, got none`,
  })
  const named = write('na[1].csv', 'x')
  t.same((await findParts(named))[0]!.path, named, 'a file of this name')
})

t.test('their rows, with what the path tells, in one output', async (t) => {
  const [es, na] = ['é, "q"', 'na']
  write(`csv/country=${encodeURIComponent(es)}/part-0.csv`, csv('one'))
  write('csv/country=na/part-0.csv.gz', gzipSync(csv('two')))
  write('csv/country=na/part-1.csv', '')
  write('csv/country=na/part-2.csv', csv('three') + csv('four').split('\n')[1])
  const rows = [
    [es, 'one'],
    [na, 'two'],
    [na, 'three'],
    [na, 'four'],
  ] as const
  const answers = await apiAnswers(rows.map(([country, source]) => ({ ...EXAMPLE, country, source })))
  const expected = rows.map(([country, source], i) => [country, source, answers[i]!.predicted_revenue])
  for (const threads of [1, 2]) {
    const { output, summary } = await scoreParts(join(root, 'csv'), { threads })
    const read: Record<string, string>[] = parse(output, { columns: true })
    t.same(
      read.map(({ country, source, predicted_revenue }) => [country, source, Number(predicted_revenue)]),
      expected,
    )
    const { predicted, failed, leftOut, unknown } = summary
    t.same({ predicted, failed, leftOut }, { predicted: 4, failed: 0, leftOut: [] })
    // Training saw neither; both parts of the one country are summed up.
    t.same(unknown.find(({ field }) => field === 'source')?.rows, 4)
  }
  const { country: _, ...own } = EXAMPLE
  const object = (source: string): string => `${JSON.stringify({ ...own, source })}\n`
  write(`ndjson/country=${encodeURIComponent(es)}/0.ndjson`, object('one'))
  write('ndjson/country=na/0.ndjson.gz', gzipSync(object('two')))
  write('ndjson/country=na/1.ndjson', `${object('three')}{"country":"es"}\n[]\n${object('four')}`)
  const { output, faults } = await scoreParts(join(root, 'ndjson'))
  const lines = output.trim().split('\n').map((line) => JSON.parse(line)) // prettier-ignore
  t.same(
    lines.map(({ country, source, predicted_revenue }) => [country, source, predicted_revenue]),
    expected,
  )
  const named: Record<string, string>[] = parse(faults, { columns: true })
  const last = join(root, 'ndjson/country=na/1.ndjson')
  t.same(
    named.map(({ file, line, error }) => [file, line, error!.slice(0, 22)]),
    [
      [last, '2', 'platform: expected, bu'],
      [last, '3', 'expected object, got a'],
    ],
  )
})

t.test('where parts are not alike', async (t) => {
  const first = write('columns/0.csv', csv('one', FIELDS))
  const second = write('columns/1.csv', csv('two', FIELDS.toReversed()))
  const refused = async (message: string | RegExp): Promise<void> => {
    await t.rejects(scoreParts(join(root, 'columns')), { name: 'InputError', message })
  }
  const turned = FIELDS.toReversed().join(', ')
  await refused(`${second}: expected the columns of ${first}: ${FIELDS.join(', ')}; got ${turned}`)
  write('columns/1.csv', csv('two', FIELDS, ';'))
  await refused(
    `${second}: expected 9 columns with "," between them as in ${first}, got 9 columns with ";" between them`,
  )
  write('columns/1.csv', 'PAR1')
  await refused(`${second}: expected CSV, got a Parquet file; name it .parquet, or pass that format`)
  write('columns/1.csv', csv('two', OWN))
  await refused(new RegExp(`^${second}: line 1: expected the columns country, .*; missing: country; got `))
  const both = write('both/country=es/0.csv', csv('one', FIELDS))
  write('both/country=es/1.csv', '')
  await t.rejects(scoreParts(join(root, 'both')), {
    message: `${both}: line 1: expected no column country: it is what is added. Rename it, or leave it out`,
  })
  write('blank/0.csv', '')
  write('blank/1.csv', '\n')
  await t.rejects(scoreParts(join(root, 'blank')), { message: 'expected rows, all of the files are empty' })
})
