/**
 * CSV files in pieces: cells are those of RFC 4180, as another reader finds them, and a file falls into the same rows wherever it is cut.
 */
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import t from 'tap'
import { csvCell, CsvRow, SEPARATORS } from '../../src/formats/index.ts'
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
  const row = new CsvRow(SEPARATORS[0], WIDTH, maxRowBytes)
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
    line += row.lines
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
      takeBuffer: (length) => new ArrayBuffer(length),
    },
    { blockBytes: BLOCK_BYTES, maxRowBytes: MAX_ROW_BYTES },
  )
  cutter.heedQuotes(SEPARATORS[0])
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
