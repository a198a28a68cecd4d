/**
 * Bytes → lines → rows: what is read, what is said of a wrong line, and that it does not matter how the bytes arrive.
 */
import { deepEqual } from 'node:assert/strict'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import t from 'tap'
import { CsvRecord } from '../../../src/http/streams/csv-record.ts'
import { CsvRows } from '../../../src/http/streams/csv.ts'
import { LineSplitter } from '../../../src/http/streams/lines.ts'
import { NdjsonRows, type Row, type RowReader } from '../../../src/http/streams/rows.ts'
import { EXAMPLE } from '../../example.ts'
import { NINE_FIELDS } from '../../../src/inputs/index.ts'

const HEADER = Object.keys(EXAMPLE).join()
const CELLS = Object.values(EXAMPLE).join()

/** What a reader makes of bytes that arrive in parts of this size. */
function read(reader: RowReader, body: Buffer | string, partBytes = Infinity): Row[] {
  const bytes = Buffer.from(body)
  const rows: Row[] = []
  for (let at = 0; at < bytes.length; at += partBytes)
    rows.push(...reader.push(bytes.subarray(at, at + partBytes)))
  rows.push(...reader.end())
  return rows
}

const csv = (lines: readonly string[], lineBytes = 1000) =>
  read(new CsvRows(lineBytes, NINE_FIELDS), [HEADER, ...lines].join('\n'))

t.test('lines', (t) => {
  const lines = (body: string | Buffer, partBytes: number, limitBytes = 5) => {
    const splitter = new LineSplitter(limitBytes)
    const bytes = Buffer.from(body)
    const found = []
    for (let at = 0; at < bytes.length; at += partBytes)
      found.push(...splitter.push(bytes.subarray(at, at + partBytes)))
    return [...found, ...splitter.end()].map(({ number, bytes }) => [number, bytes?.toString() ?? null])
  }
  for (const partBytes of [1, 2, 3, 100]) {
    t.same(lines('a\n\nbc', partBytes), [
      [1, 'a'],
      [2, ''],
      [3, 'bc'],
    ])
    t.same(lines('a\n', partBytes), [[1, 'a']], 'a line break at the end begins no line')
    t.same(lines('', partBytes), [])
    t.same(lines('12345\n123456\n1234567890\nx', partBytes), [
      [1, '12345'],
      [2, null],
      [3, null],
      [4, 'x'],
    ])
    t.same(lines('123456', partBytes), [[1, null]], 'also where it is the last')
    t.same(
      lines('\uFEFFa\n\uFEFFb', partBytes),
      [
        [1, 'a'],
        [2, '\uFEFFb'],
      ],
      'a mark is one at the start only',
    )
  }
  t.end()
})

t.test('JSON lines', (t) => {
  const rows = read(
    new NdjsonRows(20),
    Buffer.concat([
      Buffer.from('{"a": 1}\r\n\n  \n[1]\nnope\n'),
      Buffer.from('"Málaga"\n', 'latin1'),
      Buffer.from(`${'x'.repeat(21)}\n"Málaga"`),
    ]),
  )
  t.match(rows, [
    { line: 1, input: { a: 1 } },
    { line: 4, input: [1] },
    { line: 5, error: /^line: expected JSON: / },
    { line: 6, error: 'line: expected UTF-8, got other bytes' },
    { line: 7, error: 'line: expected at most 20 bytes, got more' },
    { line: 8, input: 'Málaga' },
  ])
  t.equal(rows.length, 6)
  t.end()
})

t.test('CSV: what a row becomes', (t) => {
  t.same(csv([CELLS]), [{ line: 2, input: EXAMPLE }])
  t.same(csv([`${CELLS}\r`, '', '\r', CELLS, '']), [
    { line: 2, input: EXAMPLE },
    { line: 5, input: EXAMPLE },
  ])
  const permuted = Object.entries({ user_id: 'a', ...EXAMPLE }).toReversed()
  const body = permuted.map(([name]) => name).join() + '\n' + permuted.map(([, value]) => value).join()
  t.same(read(new CsvRows(1000, NINE_FIELDS), `\uFEFF${body}`), [
    { line: 2, input: { user_id: 'a', ...EXAMPLE } },
  ])
  const empty = Object.fromEntries(Object.keys(EXAMPLE).map((name) => [name, null]))
  t.same(csv([',,,,,,,,', '"","","","","","","","",""']), [
    { line: 2, input: empty },
    { line: 3, input: empty },
  ])
  const [quoted] = csv(['es,"Castilla, ""La"" Mancha\r\nund mehr",Organic,iOS,"Apple iPhone",14.4,1,2,'])
  t.match(quoted, { line: 2, input: { country_region: 'Castilla, "La" Mancha\r\nund mehr', event_3: null } })
  t.end()
})

t.test('CSV: a number is written as in JSON, or it stays the text that it is', (t) => {
  const read = (cell: string) =>
    (csv([`,,,,,,${cell},0,`])[0] as { input: { event_1: unknown } }).input.event_1
  for (const cell of ['0', '12', '0.5', '1e3', '1E+3', '2.5e-1', '-1', '1e999'])
    t.equal(read(cell), Number(cell))
  for (const cell of [
    'NaN',
    'nan',
    'inf',
    '+1',
    ' 1',
    '1 ',
    '01',
    '.5',
    '5.',
    '1_000',
    '0x10',
    '1,5'.slice(0, 1) + ';5',
  ])
    t.equal(read(cell), cell)
  t.end()
})

t.test('CSV: a wrong line is answered in its place, and reading goes on', (t) => {
  const wrong: [string, string][] = [
    ['es,Madrid', 'expected 9 cells, got 2'],
    [`${CELLS},`, 'expected 9 cells, got 10'],
    [`es,5" phone,Organic,iOS,a,1,1,2,3`, 'expected a cell with a quote in it to be quoted'],
    [`es,"a"b,Organic,iOS,a,1,1,2,3`, 'expected a comma or the end of the line after a quoted cell'],
    ['x'.repeat(1001), 'expected at most 1000 bytes, got more'],
    ['es,"never closed', 'expected a quote at the end of a quoted cell, got none'],
  ]
  for (const [line, message] of wrong)
    t.same(
      csv([CELLS, line, CELLS, CELLS]),
      [
        { line: 2, input: EXAMPLE },
        { line: 3, error: `line: ${message}` },
        { line: 4, input: EXAMPLE },
        { line: 5, input: EXAMPLE },
      ],
      message,
    )
  const many = Array.from({ length: 40 }, () => CELLS)
  const rows = csv(['es,"never closed', ...many, 'es,"nor this', ...many])
  t.same(
    rows.filter((row) => 'error' in row).map(({ line }) => line),
    [2, 43],
    'also where it takes more than a line may have to see it',
  )
  t.same(
    rows.map(({ line }) => line),
    Array.from({ length: 82 }, (_, at) => at + 2),
  )
  const latin1 = Buffer.concat([
    Buffer.from(`${HEADER}\n${CELLS}\n`),
    Buffer.from(`${CELLS.replace('Madrid', 'Málaga')}\n`, 'latin1'),
    Buffer.from(CELLS.replace('Madrid', 'Málaga')),
  ])
  t.match(read(new CsvRows(1000, NINE_FIELDS), latin1), [
    { line: 2, input: EXAMPLE },
    { line: 3, error: 'line: expected UTF-8, got other bytes' },
    { line: 4, input: { country_region: 'Málaga' } },
  ])
  t.end()
})

t.test('CSV: a header that is none, and nothing of it in the error', (t) => {
  const columns = Object.keys(EXAMPLE).join(', ')
  const wrong: [string, string][] = [
    ['', 'expected the names of the columns, got nothing'],
    [HEADER.replaceAll(',', ';'), 'expected names of columns with commas between them, got none'],
    [HEADER.replaceAll(',', '\t'), 'expected names of columns with commas between them, got none'],
    [CELLS, `expected the columns ${columns}; missing: ${columns}`],
    [HEADER.replace(',event_2', ''), `expected the columns ${columns}; missing: event_2`],
    [HEADER.replace('country,', 'Country,'), `expected the columns ${columns}; missing: country`],
    [`,${HEADER}`, `expected only the columns ${columns}, user_id; number 1 is another one`],
    [`${HEADER},revenue`, `expected only the columns ${columns}, user_id; number 10 is another one`],
    [`${HEADER},event_1`, 'expected every column once, got event_1 twice'],
    [`"${HEADER}`, 'expected a quote at the end of a quoted cell, got none'],
    ['x'.repeat(1001), 'expected at most 1000 bytes, got more'],
  ]
  for (const [header, message] of wrong)
    t.throws(() => read(new CsvRows(1000, NINE_FIELDS), header && `${header}\n${CELLS}`), {
      statusCode: 400,
      message: `header: ${message}`,
    })
  const utf16 = Buffer.from(`\uFEFF${HEADER}\n${CELLS}`, 'utf16le')
  t.throws(() => read(new CsvRows(1000, NINE_FIELDS), utf16), {
    message: 'header: expected UTF-8, got other bytes',
  })
  t.end()
})

const anyCell = fc.string({ unit: fc.constantFrom(',', '"', '\n', '\r\n', 'a', 'é', ' ', '1') })
const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`
const written = (cell: string, quoteAll: boolean) => (quoteAll || /[",\n\r]/.test(cell) ? quoted(cell) : cell)

t.test('CSV: records as another reader reads them', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.array(anyCell, { minLength: 2, maxLength: 4 })),
      fc.boolean(),
      (table, quoteAll) => {
        const body = table.map((cells) => cells.map((cell) => written(cell, quoteAll)).join() + '\n').join('')
        const record = new CsvRecord()
        const ours: (readonly string[])[] = []
        for (const line of body.split('\n').slice(0, -1)) {
          const added = record.add(line)
          if (added !== 'open') ours.push('cells' in added ? added.cells : [added.fault])
        }
        const theirs: string[][] = parse(body, { relax_column_count: true, record_delimiter: '\n' })
        deepEqual(ours, theirs)
      },
    ),
    { numRuns: 300 },
  )
  t.end()
})

t.test('whatever comes is answered line by line, however it arrives', (t) => {
  const anyLines = fc.array(
    fc.oneof(
      fc.constantFrom(CELLS, '', 'es,"open', '"', '",', '""', 'x,"', '"a"b', JSON.stringify(EXAMPLE), '{'),
      fc.string({ unit: fc.constantFrom(',', '"', 'a', '\r', '€') }),
    ),
    { maxLength: 12 },
  )
  fc.assert(
    fc.property(anyLines, fc.integer({ min: 1, max: 40 }), (lines, partBytes) => {
      const body = [HEADER, ...lines].join('\n')
      for (const readerOf of [() => new CsvRows(120, NINE_FIELDS), () => new NdjsonRows(120)]) {
        const rows = read(readerOf(), body)
        deepEqual(read(readerOf(), body, partBytes), rows)
        const numbers = rows.map(({ line }) => line)
        deepEqual(
          numbers,
          [...new Set(numbers)].sort((a, b) => a - b),
        )
      }
    }),
    { numRuns: 300 },
  )
  t.end()
})
