/**
 * The CSV reader: cells are those of RFC 4180, as another reader finds them; a file falls into the same rows wherever it is cut; numbers
 * are the nearest doubles; and the header says what is wrong with it.
 */
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import t from 'tap'
import { readDecimal } from '../../src/scoring/csv/decimal.ts'
import { readHeader } from '../../src/scoring/csv/header.ts'
import { CsvRow } from '../../src/scoring/csv/row.ts'
import { NINE_FIELDS } from '../../src/inputs/index.ts'
import { ValueCells } from '../../src/scoring/csv/value-cells.ts'
import { csvCell } from '../../src/scoring/csv/cell.ts'
import { Cutter } from '../../src/scoring/cutter.ts'

const WIDTH = 8
const MAX_ROW_BYTES = 23
const BLOCK_BYTES = 7

interface Row {
  readonly line: number
  readonly text: string
  /** Null: it is broken. */
  readonly cells: readonly string[] | null
}

/** As a thread reads a piece: whole rows, and nothing behind them. */
function rowsOf(bytes: Uint8Array, maxRowBytes = MAX_ROW_BYTES): { rows: Row[]; lines: number } {
  const row = new CsvRow(WIDTH, maxRowBytes)
  const rows: Row[] = []
  let line = 0
  const textOf = (from: number, to: number): string =>
    Buffer.from(bytes.subarray(from, to)).toString('latin1')
  for (let from = 0; from < bytes.length; from = row.next) {
    const isWhole = row.read(bytes, from, bytes.length, true) === 'complete'
    if (row.next <= from) throw new Error(`no way forward from ${from}`)
    const cells = Array.from({ length: Math.min(WIDTH, row.count) }, (_, i) => {
      const cell = textOf(row.starts[i]!, row.ends[i]!)
      return row.escaped[i] ? cell.replaceAll('""', '"') : cell
    })
    rows.push({ line, text: textOf(from, row.end), cells: isWhole ? cells : null })
    line += isWhole && row.isQuoted ? textOf(from, row.end).split('\n').length : 1
  }
  return { rows, lines: line }
}

/** As the file is cut and its pieces are read. */
async function rowsOfPieces(bytes: Uint8Array): Promise<Row[]> {
  let at = 0
  const cutter = new Cutter(
    {
      reader: {
        async read(into, offset, length) {
          const some = bytes.subarray(at, at + length)
          into.set(some, offset)
          at += some.length
          return some.length
        },
      },
      isQuoted: true,
      takeBuffer: (length) => new ArrayBuffer(length),
    },
    { blockBytes: BLOCK_BYTES, maxRowBytes: MAX_ROW_BYTES },
  )
  const all: Row[] = []
  let first = 0
  for await (const cut of cutter.cuts()) {
    if (cut.kind === 'fault') {
      all.push({ line: first++, text: cut.fault.row, cells: null })
      continue
    }
    if (cut.piece.kind !== 'bytes') throw new Error('expected bytes')
    const { rows, lines } = rowsOf(new Uint8Array(cut.piece.buffer, 0, cut.piece.length))
    all.push(...rows.map((row) => ({ ...row, line: first + row.line })))
    first += lines
  }
  return all
}

function expectSame(actual: unknown, expected: unknown, file: string): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a !== b) throw new Error(`expected ${b}, got ${a} for ${JSON.stringify(file)}`)
}

const characters = fc.constantFrom('"', '"', ',', '\n', '\n', '\r\n', '\r', 'a', 'bc', ' ')
const anyFile = fc.array(characters, { maxLength: 120 }).map((parts) => Buffer.from(parts.join('')))

t.test('a file falls into the same rows wherever it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(anyFile, async (bytes) => {
      const whole = rowsOf(bytes).rows
      const pieces = await rowsOfPieces(bytes)
      // Of a line that is skipped only the beginning is shown.
      const shown = ({ line, text, cells }: Row) => ({
        line,
        cells,
        text: cells ? text : text.slice(0, MAX_ROW_BYTES),
      })
      expectSame(pieces.map(shown), whole.map(shown), bytes.toString())
    }),
    { numRuns: Number(process.env['RUNS'] ?? 1500) },
  )
})

t.test('cells are what another reader finds', (t) => {
  const cell = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', ' ', 'é', '😀', ';', "'"), maxLength: 5 }),
    fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', 'b'), maxLength: 5 }),
  )
  const row = fc.array(cell, { minLength: 3, maxLength: 3 })
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), fc.constantFrom('\n', '\r\n'), (rows, end) => {
      const text = rows.map((cells) => cells.map((cell) => csvCell(cell)).join()).join(end)
      for (const file of [text, text + end]) {
        const ours = rowsOf(Buffer.from(file), 1000).rows.map(({ cells }) =>
          cells?.map((cell) => Buffer.from(cell, 'latin1').toString()),
        )
        expectSame(ours, parse(file, { relax_column_count: true, record_delimiter: ['\r\n', '\n'] }), file)
      }
    }),
    { numRuns: 400 },
  )
  t.end()
})

t.test('one forgotten quote costs one line', (t) => {
  const read = (text: string) => rowsOf(Buffer.from(text), 1000).rows.map(({ cells, line }) => [line, cells])
  t.same(read('a,"b\nc,d\ne,f\n'), [
    [0, null],
    [1, ['c', 'd']],
    [2, ['e', 'f']],
  ])
  t.same(read('a,"b\nc,"d"\ne,f\n'), [
    [0, null],
    [1, ['c', 'd']],
    [2, ['e', 'f']],
  ])
  t.same(read('a,"b"c\nd,e'), [
    [0, null],
    [1, ['d', 'e']],
  ])
  t.same(read('a,5" screen\n'), [[0, ['a', '5" screen']]], 'a quote inside a cell is a character')
  t.same(read('"a\n""b""\n",c\n\nd'), [
    [0, ['a\n"b"\n', 'c']],
    [3, ['']],
    [4, ['d']],
  ])
  t.same(read(`${'x'.repeat(1200)}\na\n`), [
    [0, null],
    [1, ['a']],
  ])
  t.end()
})

t.test('numbers', (t) => {
  const read = (text: string) => readDecimal(Buffer.from(text), 0, text.length)
  for (const text of [
    '0',
    '7',
    '007',
    '1.',
    '.5',
    '10.25',
    '+3',
    '1e3',
    '1E-3',
    '123456789012345',
    '1234567890123456789',
    '0.1',
    '0.30000000000000004',
    '5e-324',
    '999999999999.999',
    '.000000000000001',
    '1e400',
  ])
    t.equal(read(text), Number(text), text)
  t.ok(Object.is(read('-0'), 0))
  t.equal(read('-1'), -1)
  for (const text of [
    '',
    '.',
    '-',
    '+',
    'e3',
    '1e',
    '1 ',
    ' 1',
    '1,5',
    '0x10',
    'Infinity',
    'NaN',
    '1_000',
    '١',
    '1.2.3',
    '--1',
    `${'1'.repeat(500)}`,
  ])
    t.same(read(text), NaN, text)
  fc.assert(
    fc.property(
      fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
      (number) => read(String(number)) === number,
    ),
  )
  fc.assert(
    fc.property(fc.nat(), fc.nat(999_999), (whole, part) => {
      const text = `${whole}.${String(part).padStart(6, '0')}`
      return read(text) === Number(text)
    }),
  )
  t.end()
})

t.test('texts, and more of them than are remembered', (t) => {
  const cells = new ValueCells(NINE_FIELDS.fields[0]!)
  const read = (text: string | Uint8Array) => {
    const bytes = Buffer.from(text as string)
    return [cells.read(bytes, 0, bytes.length), cells.fault]
  }
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < 9000; i++) if (read(`c${i}`)[0] !== `c${i}`) t.fail(`c${i}`)
  t.same(read(''), [null, null])
  t.same(read('Málaga 😀'), ['Málaga 😀', null])
  t.same(read('\ufeffa'), ['\ufeffa', null])
  t.same(read('x'.repeat(256)), ['x'.repeat(256), null])
  t.same(read('😀'.repeat(257)), [null, 'country: expected at most 256 characters, got 257'])
  for (let again = 0; again < 2; again++) {
    t.match(read('a\0b'), [null, /^country: expected text without NUL/])
    t.same(read(Uint8Array.of(0xc3)), [null, 'country: expected UTF-8, got other bytes'])
  }
  t.end()
})

t.test('the header', (t) => {
  const names = NINE_FIELDS.fields.map(({ name }) => name)
  const read = (text: string | Uint8Array) =>
    readHeader(Buffer.from(text as string), true, NINE_FIELDS, ['predicted_revenue'])
  const header = read(`\ufeffuser_id,${names.toReversed().join()},"a ""b"""\r\nx`)
  t.equal(header.lineEnd, '\r\n')
  t.equal(header.layout.width, 11)
  t.equal(header.layout.places[8], 1)
  t.equal(header.layout.places[0], 9)
  t.equal(Buffer.from(header.line).toString(), `user_id,${names.toReversed().join()},"a ""b"""`)
  t.equal(read(names.map((name) => `"${name}"`).join()).layout.width, 9, 'names in quotes')
  t.equal(read(`"a\nb",${names.join()}\n`).lines, 2)

  const wrong: [string | Uint8Array, RegExp][] = [
    ['', /^expected a header and rows, the file is empty$/],
    ['\n\r\n \n', /the file is empty/],
    [names.join(';'), /^line 1: expected commas between the cells, got semicolons$/],
    [names.join('\t'), /got tabs$/],
    [`${names.join()},revenue\r1,2`, /got \\r alone/],
    [`${names.join()}\r1,2`, /expected lines that end with \\n or \\r\\n, got \\r alone/],
    [
      'es,Madrid,Organic,iOS,x,14,1,2,3\n',
      /^line 1: expected a header with the columns country, .*; missing country, .*, got es, Madrid/,
    ],
    [names.slice(1).join(), /; missing country, got country_region, /],
    [names.join().replace('country', ' country'), /missing country, got " country"/],
    [`${names.join()},country`, /expected each column once, got country more than once/],
    [`${names.join()},predicted_revenue`, /expected no column predicted_revenue: it is what is added/],
    [Buffer.from(`\ufeff${names.join()}`, 'utf16le'), /expected UTF-8, the file looks like UTF-16/],
    [Buffer.from(names.join(), 'utf16le'), /expected UTF-8 text, got a NUL byte/],
    [Buffer.from(`${names.join()},año`, 'latin1'), /expected UTF-8 in the name of column 10/],
    [`"${names.join()}`, /with every quote closed/],
    ['\n' + names.join(), /missing country, .*, got ""/],
  ]
  for (const [text, message] of wrong)
    t.throws(() => read(text), { name: 'InputError', message }, String(message))
  t.end()
})
