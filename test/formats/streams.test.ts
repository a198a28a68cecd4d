/**
 * Bytes as they arrive → rows: what is read, what is said of a wrong line, and that it does not matter how the bytes arrive.
 */
import { deepEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { CsvStream, NdjsonStream, type ReadRow, type RowStream } from '../../src/formats/index.ts'
import { LineSplitter } from '../../src/formats/lines.ts'
import { NINE_FIELDS, parseInputSchema, type Row } from '../../src/inputs/index.ts'
import { EXAMPLE, rowOf } from '../example.ts'

const HEADER = Object.keys(EXAMPLE).join()
const CELLS = Object.values(EXAMPLE).join()
const ROW = rowOf(EXAMPLE)

type Shown =
  | { readonly line: number; readonly row: Row; readonly userId: string | null }
  | { readonly line: number; readonly error: string; readonly brief: string }

const shown = (read: ReadRow): Shown =>
  'fault' in read
    ? { line: read.line, error: read.fault.message, brief: read.fault.brief }
    : { line: read.line, row: read.install.row, userId: read.install.userId }

/** What a reader makes of bytes that arrive in parts of this size. */
function read(reader: RowStream, body: Buffer | string, partBytes = Infinity): Shown[] {
  const bytes = Buffer.from(body)
  const rows: Shown[] = []
  for (let at = 0; at < bytes.length; at += partBytes)
    rows.push(...[...reader.push(bytes.subarray(at, at + partBytes))].map(shown))
  rows.push(...[...reader.end()].map(shown))
  return rows
}

const options = (maxRowBytes = 1000) => ({ schema: NINE_FIELDS, others: 'refused', maxRowBytes }) as const
const csv = (lines: readonly string[], maxRowBytes = 1000) =>
  read(new CsvStream(options(maxRowBytes)), [HEADER, ...lines].join('\n'))
const ndjson = (body: string | Buffer, maxRowBytes = 1000) =>
  read(new NdjsonStream(options(maxRowBytes)), body)
const found = (line: number, row = ROW, userId: string | null = null) => ({ line, row, userId })

t.test('lines', (t) => {
  const lines = (body: string, partBytes: number) => {
    const splitter = new LineSplitter(5)
    const bytes = Buffer.from(body)
    const found = []
    for (let at = 0; at < bytes.length; at += partBytes)
      found.push(...splitter.push(bytes.subarray(at, at + partBytes)))
    return [...found, ...splitter.end()].map(({ number, bytes }) => [
      number,
      bytes && Buffer.from(bytes).toString(),
    ])
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

t.test('NDJSON', (t) => {
  const text = JSON.stringify(EXAMPLE)
  t.same(ndjson(`\uFEFF${text}\r\n\n \t \n${JSON.stringify({ ...EXAMPLE, user_id: 'u' })}`), [
    found(1),
    found(4, ROW, 'u'),
  ])
  t.same(
    ndjson(text.replace('"event_1":', '"event_1":7,"event_1":')),
    [found(1)],
    'of a repeated key the last counts',
  )
  t.same(ndjson(text.replace(/"event_1":([\d.]+)/, '"event_1":"$1"')), [found(1)], 'a number in a text')
  const { event_3: _, ...without } = EXAMPLE
  t.same(ndjson(JSON.stringify(without)), [found(1, rowOf({ ...EXAMPLE, event_3: null }))], 'a null left out')
  const { event_1: __, ...less } = EXAMPLE
  const wrong: [string | Buffer, string | RegExp, string?][] = [
    ['nope', /^expected JSON: /, 'expected JSON, got something else'],
    ['[1]', 'expected object, got array [1]', 'expected object, got array'],
    ['7', 'expected object, got 7', 'expected object, got number'],
    ['\u00a0', /^expected JSON: /],
    [Buffer.from('"M\u00e1laga"', 'latin1'), 'expected UTF-8, got other bytes'],
    ['x'.repeat(1001), 'expected a row of at most 1000 bytes, got more'],
    [JSON.stringify(less), 'event_1: expected, but it is missing'],
    [JSON.stringify({ ...EXAMPLE, x: 1 }), /^x: unknown field; expected only country, .*, user_id$/],
    [
      JSON.stringify({ ...EXAMPLE, event_1: -1 }),
      'event_1: expected a number ≥ 0, got -1',
      'event_1: expected a number ≥ 0, got negative number',
    ],
    [JSON.stringify({ ...EXAMPLE, event_1: '1,5' }), 'event_1: expected a decimal number, got "1,5"'],
    [
      JSON.stringify({ ...EXAMPLE, user_id: 7 }),
      'user_id: expected text or null, got number 7'.replace('number 7', '7'),
    ],
    [JSON.stringify({ ...EXAMPLE, user_id: '' }), 'user_id: expected 1 or more characters, got 0'],
    [
      JSON.stringify({ ...EXAMPLE, user_id: 'x'.repeat(257) }),
      'user_id: expected at most 256 characters, got 257',
    ],
  ]
  for (const [line, error, brief] of wrong) {
    const rows = ndjson(
      Buffer.concat([Buffer.from(`${text}\n`), Buffer.from(line as string), Buffer.from(`\n${text}`)]),
    )
    t.match(rows, [found(1), { line: 2, error, ...(brief && { brief }) }, found(3)])
  }
  t.end()
})

t.test('CSV: what a row becomes', (t) => {
  t.same(csv([`${CELLS}\r`, '', '\r', CELLS, '']), [found(2), found(5)])
  const permuted = Object.entries({ user_id: 'a', ...EXAMPLE }).toReversed()
  for (const separator of [',', ';', '\t']) {
    const body = [permuted.map(([name]) => name), permuted.map(([, value]) => value)]
    const text = body.map((cells) => cells.join(separator)).join('\n')
    t.same(read(new CsvStream(options()), `\uFEFF${text}`), [found(2, ROW, 'a')])
  }
  const [quoted] = csv(['es,"Castilla, ""La"" Mancha\r\nund mehr",Organic,iOS,"Apple iPhone",14.4,1,2,'])
  t.match(quoted, { line: 2, row: ['es', 'Castilla, "La" Mancha\r\nund mehr', 'Organic'] })
  t.end()
})

t.test('CSV: a wrong line is answered in its place, and reading goes on', (t) => {
  const wrong: [string, string, string?][] = [
    ['es,Madrid', 'expected 9 cells as in the header, got 2'],
    [`es,"a"b,Organic,iOS,a,1,1,2,3`, 'expected a comma or the end of the line after a quoted cell'],
    ['x'.repeat(1001), 'expected a row of at most 1000 bytes, got more'],
    ['es,"never closed', 'expected a quote at the end of a quoted cell, got none'],
    [
      CELLS.replace(/,[^,]*,[^,]*$/, ',a secret,0'),
      'event_2: expected a decimal number, got "a secret"',
      'event_2: expected a decimal number, got another text',
    ],
  ]
  for (const [line, error, brief = error] of wrong)
    t.same(csv([CELLS, line, CELLS, CELLS]), [found(2), { line: 3, error, brief }, found(4), found(5)], error)
  const many = Array.from({ length: 40 }, () => CELLS)
  const rows = csv(['es,"never closed', ...many, 'es,"nor this', ...many])
  t.same(
    rows.filter((row) => 'error' in row).map(({ line }) => line),
    [2, 43],
    'also where it takes more than a line may have to see it',
  )
  t.same(rows.map(({ line }) => line), Array.from({ length: 82 }, (_, at) => at + 2)) // prettier-ignore
  t.end()
})

t.test('CSV: a header that is none, and nothing of it in the brief', (t) => {
  const columns = Object.keys(EXAMPLE).join(', ')
  const wrong: [string, string][] = [
    ['', 'expected the names of the columns, got nothing'],
    [CELLS, `line 1: expected the columns ${columns}; missing: ${columns}`],
    [HEADER.replace(',event_2', ''), `line 1: expected the columns ${columns}; missing: event_2`],
    [`,${HEADER}`, `line 1: expected only the columns ${columns}, user_id; number 1 is another one`],
    [`${HEADER},revenue`, `line 1: expected only the columns ${columns}, user_id; number 10 is another one`],
    [`${HEADER},event_1`, 'line 1: expected every column once, got event_1 twice'],
    [`"${HEADER}`, 'line 1: expected a quote at the end of a quoted cell, got none'],
    ['x'.repeat(1001), 'line 1: expected a row of at most 1000 bytes, got more'],
  ]
  for (const [header, brief] of wrong)
    t.throws(() => read(new CsvStream(options()), header && `${header}\n${CELLS}`), {
      name: 'InputError',
      brief,
    })
  t.end()
})

t.test('the row of another model, from what came', (t) => {
  const other = parseInputSchema({
    format: 'day7-inputs/1',
    fields: [
      { name: 'age', kind: 'number' },
      { name: 'country', kind: 'text', column: 'Country code' },
      { name: 'vip', kind: 'boolean', required: false },
    ],
    target: { name: 'revenue', horizonDays: 7 },
  })
  const both = { ...options(), otherSchemas: [other] }
  const installsOf = (stream: RowStream, body: string) =>
    [...stream.push(Buffer.from(body)), ...stream.end()].map((row) => {
      if ('fault' in row) throw new Error(row.fault.message)
      return row.install
    })
  const [first, second] = installsOf(
    new CsvStream(both),
    `${HEADER},Country code,age\n${CELLS},"x ""y""",31\n${CELLS},,old\n`,
  )
  t.same([first!.row, first!.rowFor(other)], [ROW, [31, 'x "y"', null]])
  t.equal(second!.rowFor(other), null)
  t.equal(installsOf(new CsvStream(both), `${HEADER}\n${CELLS}\n`)[0]!.rowFor(other), null)
  const [object] = installsOf(new NdjsonStream(both), JSON.stringify({ ...EXAMPLE, age: '31', vip: true }))
  t.same(object!.rowFor(other), [31, EXAMPLE.country, 1])
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
      for (const readerOf of [() => new CsvStream(options(120)), () => new NdjsonStream(options(120))]) {
        const rows = read(readerOf(), body)
        deepEqual(read(readerOf(), body, partBytes), rows)
        const numbers = rows.map(({ line }) => line)
        deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b)) // prettier-ignore
      }
    }),
    { numRuns: 300 },
  )
  t.end()
})
