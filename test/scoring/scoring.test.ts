/**
 * Whole files, through threads: the same numbers and the same refusals as `/batch_predict`, in the order of the file, whatever is in it.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import t from 'tap'
import { EXAMPLE } from '../example.ts'
import {
  FIELDS,
  type Install,
  type ApiAnswer,
  apiAnswers,
  countsOf,
  csvLine,
  csvLinesOf,
  golden,
  score,
} from './files.ts'

const folder = t.testdir()
const fileOf = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
const HEADER = FIELDS.join()
const rowOf = (install: Partial<Record<keyof Install, unknown>>): string =>
  csvLine(FIELDS.map((field) => ({ ...EXAMPLE, ...install })[field] as string | number | null))
const records = (csv: string): Record<string, string>[] => parse(csv, { columns: true })
const linesOf = (text: string): string[] => text.split('\n').filter(Boolean)

t.test('a CSV: the API’s numbers, and the rows as they were', async (t) => {
  const answers = await apiAnswers(golden)
  for (const [end, mark] of [
    ['\n', ''],
    ['\r\n', '\ufeff'],
  ] as const) {
    const lines = csvLinesOf(golden)
    const csv = mark + lines.map((line) => line + end).join('')
    const { output, summary, faults } = await score(fileOf('golden.csv', csv))
    const expected = answers.flatMap(({ predicted_revenue }, i) =>
      predicted_revenue === undefined ? [] : [`${lines[i + 1]},${predicted_revenue}${end}`],
    )
    t.equal(output, `${lines[0]},predicted_revenue${end}${expected.join('')}`)
    t.same(
      records(faults).map(({ error }) => error),
      // A cell is a text anyway.
      answers.flatMap(
        ({ error }) =>
          error?.replace('expected string', 'expected text').replace('got string ', 'got ') ?? [],
      ),
    )
    t.equal(summary.predicted, expected.length)
    t.ok(summary.failed < 5)
  }
})

/** A line of NDJSON as a request would say it: a text for a number is that number, an empty one null, and so is an absent field. */
function asRequest(line: unknown): unknown {
  if (typeof line !== 'object' || line === null || Array.isArray(line)) return line
  const numbers = FIELDS.filter((field) => field.startsWith('event')).map((field) => {
    const value = (line as Record<string, unknown>)[field]
    return [field, value === '7' ? 7 : value === '' ? null : value]
  })
  const nulls = FIELDS.filter((field) => !/^(platform|event_[12])$/.test(field)).map((field) => [field, null])
  const there = [...Object.entries(line), ...numbers].filter(([, value]) => value !== undefined)
  return Object.fromEntries([...nulls, ...there])
}

/** What a file says in place of a request's error. */
const inAFile = (error: string): string =>
  error
    .replace(/^user: /, '')
    .replace(/expected string\b/, 'expected text')
    .replace(/expected number(?: or null)?, got string /, 'expected a decimal number, got ')

t.test('NDJSON: the API’s numbers, and the API’s refusals', async (t) => {
  const bad: unknown[] = [
    ...FIELDS.map((field) => Object.fromEntries(Object.entries(EXAMPLE).filter(([name]) => name !== field))),
    ...FIELDS.flatMap((field) =>
      [
        true,
        [1],
        { a: 1 },
        'x'.repeat(300),
        '😀'.repeat(257),
        'a\0',
        '\ud800',
        '7',
        7,
        -1,
        -0.5,
        1.1e300,
        null,
        '',
      ].map((value) => ({
        ...EXAMPLE,
        [field]: value,
      })),
    ),
    'text',
    7,
    null,
    [EXAMPLE],
  ]
  const users = [...golden, ...bad]
  const answers = await apiAnswers(users.map(asRequest))
  const { output, faults, summary } = await score(
    fileOf('all.ndjson', users.map((user) => JSON.stringify(user)).join('\n')),
  )
  const refused = records(faults)
  const predicted = linesOf(output).map((line) => JSON.parse(line))
  t.equal(summary.predicted + summary.failed, users.length)
  t.ok(refused.length > 80, `${refused.length} are refused`)
  for (const [i, answer] of answers.entries()) {
    if (answer.error === undefined) {
      const line = predicted.shift()
      t.same(line, { ...(users[i] as object), predicted_revenue: answer.predicted_revenue })
    } else {
      const fault = refused.shift()
      t.same([fault!['line'], fault!['error']], [String(i + 1), inAFile(answer.error)])
    }
  }
})

t.test('an explanation is the API’s', async (t) => {
  const some = golden.slice(0, 20)
  const answers = await apiAnswers(some, true)
  const ndjson = await score(fileOf('some.ndjson', some.map((each) => JSON.stringify(each)).join('\n')), {
    explain: true,
  })
  t.same(
    linesOf(ndjson.output).map((line) => JSON.parse(line)),
    some.map((install, i) => {
      const { predicted_revenue, explanation } = answers[i]!
      return { ...install, predicted_revenue, explanation }
    }),
  )
  const csv = await score(fileOf('some.csv', csvLinesOf(some).join('\n')), { explain: true })
  for (const [i, row] of records(csv.output).entries()) {
    const { raw_score, base_value, contributions } = answers[i]!.explanation as any
    t.equal(Number(row['raw_score']), raw_score)
    t.equal(Number(row['base_value']), base_value)
    for (const { feature, contribution } of contributions)
      t.equal(Number(row[`contribution_${feature}`]), contribution)
  }
})

t.test('a count beyond all counts', async (t) => {
  const rows = [HEADER, rowOf({ event_2: '1e300' }), rowOf({ event_2: '1.1e300' })].join('\n')
  const { faults, summary } = await score(fileOf('beyond.csv', rows))
  t.equal(summary.predicted, 1)
  t.same(
    records(faults).map(({ line, error }) => `${line} ${error}`),
    ['3 event_2: expected a number ≤ 1e+300, got 1.1e+300'],
  )
})

t.test('what is wrong with a row, and in which line', async (t) => {
  const long = `${'x'.repeat(3_000_000)}`
  const csv = Buffer.concat([
    Buffer.from(
      [
        HEADER,
        rowOf({}),
        rowOf({ event_1: '' }),
        '',
        rowOf({ country: 'two\nlines' }),
        rowOf({ event_2: 'many' }),
        rowOf({ event_2: '1,5' }),
        rowOf({ event_1: '-1' }),
        rowOf({ event_1: '1e999' }),
        rowOf({ event_3: '' }),
        rowOf({ country: 'x'.repeat(257) }),
        'es,Madrid',
        `${rowOf({})},more`,
        `${HEADER.replaceAll(/[^,]/g, '')},"open`,
        rowOf({ source: 'after the quote' }),
        long,
        rowOf({ source: 'after the long line' }),
        rowOf({ device_family: '' }),
        '"es"x,,,,,,1,2,3',
      ].join('\n'),
    ),
    Buffer.from(`\n${rowOf({ country_region: 'Málaga' })}\n`, 'latin1'),
    Buffer.from(rowOf({ source: 'the last, without an end' })),
  ])
  const { output, faults, summary } = await score(fileOf('faults.csv', csv))
  t.same(
    records(faults).map(({ line, error }) => `${line} ${error}`),
    [
      '3 event_1: expected number, got null',
      '7 event_2: expected a decimal number, got "many"',
      '8 event_2: expected a decimal number, got "1,5"',
      '9 event_1: expected a number ≥ 0, got -1',
      '10 event_1: expected a number that a double can hold, got "1e999"',
      '12 country: expected at most 256 characters, got 257',
      '13 expected 9 cells as in the header, got 2',
      '14 expected 9 cells as in the header, got 10',
      '15 expected a quote at the end of a quoted cell, got none',
      '17 expected a row of at most 1048576 bytes, got more',
      '20 expected a comma or the end of the line after a quoted cell',
      '21 expected UTF-8, got other bytes',
    ],
  )
  t.same(
    records(output).map(({ country, source, device_family }) => [country, source, device_family]),
    [
      ['es', 'Organic', 'Apple iPhone'],
      ['two\nlines', 'Organic', 'Apple iPhone'],
      ['es', 'Organic', 'Apple iPhone'],
      ['es', 'after the quote', 'Apple iPhone'],
      ['es', 'after the long line', 'Apple iPhone'],
      ['es', 'Organic', ''],
      ['es', 'the last, without an end', 'Apple iPhone'],
    ],
  )
  t.same(countsOf(summary), { leftOut: [], predicted: 7, failed: 12 })
  const shown = records(faults).find(({ line }) => line === '21')
  t.match(shown!['row'], /M\ufffdlaga/)

  const ndjson = await score(
    fileOf(
      'faults.ndjson',
      Buffer.concat([
        Buffer.from(
          `\ufeff${JSON.stringify(EXAMPLE)}\r\n\n{"country":\n${JSON.stringify({ ...EXAMPLE, predicted_revenue: 1 })}\n`,
        ),
        Buffer.from(`{"a":"${long}"}\n`),
        Buffer.from(`${JSON.stringify({ ...EXAMPLE, country: 'é' })}\n`, 'latin1'),
        Buffer.from(`  ${JSON.stringify({ other: { deep: [1] }, ...EXAMPLE })}  `),
      ]),
    ),
  )
  t.match(
    records(ndjson.faults).map(({ line, error }) => `${line} ${error}`),
    [
      /^3 expected JSON: /,
      '4 predicted_revenue: expected not to be there: it is what is added',
      '5 expected a row of at most 1048576 bytes, got more',
      '6 expected UTF-8, got other bytes',
    ],
  )
  const [{ predicted_revenue }] = (await apiAnswers([EXAMPLE])) as [ApiAnswer]
  t.same(
    linesOf(ndjson.output).map((line) => JSON.parse(line)),
    [
      { ...EXAMPLE, predicted_revenue },
      { other: { deep: [1] }, ...EXAMPLE, predicted_revenue },
    ],
  )
})

t.test('many pieces come out in the order of the file', async (t) => {
  const isBad = (i: number): boolean => i % 977 === 5
  const rows = Array.from(
    { length: 40_000 },
    (_, i) => `${i},${rowOf({ event_1: isBad(i) ? 'no' : i % 50 })}`,
  )
  const seen: number[] = []
  const { output, faults } = await score(fileOf('many.csv', [`user_id,${HEADER}`, ...rows].join('\n')), {
    threads: 2,
    onProgress: ({ share }) => seen.push(share!),
  })
  const numbers = [...rows.keys()]
  t.same(
    linesOf(output)
      .slice(1)
      .map((line) => parseInt(line)),
    numbers.filter((i) => !isBad(i)),
  )
  t.same(
    records(faults).map(({ line }) => Number(line)),
    numbers.filter(isBad).map((i) => i + 2),
  )
  t.ok(seen.length > 3 && seen.at(-1) === 1, `${seen.length} pieces`)
  t.same(
    seen,
    seen.toSorted((a, b) => a - b),
  )
})

t.test('a line without an end takes no memory', async (t) => {
  const path = fileOf('endless.csv', `${HEADER}\n${rowOf({})}\n${'x'.repeat(100_000_000)}\n${rowOf({})}\n`)
  const before = process.memoryUsage.rss()
  let most = 0
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 5)
  const { summary } = await score(path, { threads: 1 })
  clearInterval(timer)
  t.same(countsOf(summary), { leftOut: [], predicted: 2, failed: 1 })
  t.ok(
    most - before < 90_000_000,
    `${Math.round((most - before) / 1e6)} MB, a thread and its model among them`,
  )
})

t.test('what is no installs at all', async (t) => {
  const refused: [string, string | Uint8Array, RegExp][] = [
    ['empty.csv', '', /^expected a header and rows, the file is empty$/],
    [
      'bars.csv',
      `${HEADER.replaceAll(',', '|')}\n`,
      /^line 1: expected the columns country, .*; got country\|country_region\|/,
    ],
    ['workbook.csv', 'PK\x03\x04[Content_Types].xml', /^expected CSV, got an Excel workbook \(\.xlsx\)/],
    ['compressed.ndjson', Uint8Array.of(0x1f, 0x8b, 8), /^expected NDJSON, got gzip; end its name with \.gz/],
    ['x.parquet', 'PAR', /begins with PAR1, got other bytes/],
  ]
  for (const [name, content, message] of refused)
    await t.rejects(score(fileOf(name, content)), { name: 'InputError', message }, name)
  await t.rejects(score(join(folder, 'nowhere.csv')), { code: 'ENOENT' })
  t.same((await score(fileOf('none.csv', `${HEADER}\n`))).summary, {
    leftOut: [],
    predicted: 0,
    failed: 0,
    unknown: [],
  })
  t.same(await score(fileOf('none.ndjson', '')), {
    summary: { leftOut: [], predicted: 0, failed: 0, unknown: [] },
    output: '',
    faults: '',
  })
})

t.test('a thread that fails, fails all', async (t) => {
  const { parts } = await import('./files.ts')
  const broken = { ...parts, plan: { format: 'another' } }
  await t.rejects(score(fileOf('one.csv', `${HEADER}\n${rowOf({})}\n`), { parts: broken }), {
    message: /a thread failed: feature plan/,
  })
})
