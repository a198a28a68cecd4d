/**
 * The beginning of a CSV file → its layout: which cell holds which field. Refuses, each with what was expected and what came, a file
 * without a header, with other separators or in another encoding, with a column missing or repeated, or with one that is to be added.
 */
import { isUtf8 } from 'node:buffer'
import type { InputSchema } from '../../inputs/index.ts'
import { type CsvLayout, InputError } from '../layout.ts'
import { CsvRow, MAX_ROW_BYTES } from './row.ts'

export interface CsvHeader {
  readonly layout: CsvLayout
  /** Without a mark, and without the end of its line. */
  readonly line: Uint8Array
  /** How lines end here. */
  readonly lineEnd: '\n' | '\r\n'
  /** Of the file, up to the first row. */
  readonly length: number
  /** Lines that it takes. */
  readonly lines: number
}

const MARK = [0xef, 0xbb, 0xbf]
const MARKS_OF_OTHERS = [
  ['UTF-16', [0xff, 0xfe]],
  ['UTF-16', [0xfe, 0xff]],
] as const
/** No header has so many columns. */
const MOST_COLUMNS = 10_000

/** @param added the columns that the output has more */
export function readHeader(
  beginning: Uint8Array,
  isEnd: boolean,
  { fields }: InputSchema,
  added: readonly string[],
): CsvHeader {
  expectText(beginning)
  const from = startsWith(beginning, MARK) ? MARK.length : 0
  const row = new CsvRow(MOST_COLUMNS)
  const state = row.read(beginning, from, beginning.length, isEnd)
  if (state !== 'complete')
    throw fault(
      `expected a header of at most ${Math.min(MAX_ROW_BYTES, beginning.length)} bytes, with every quote closed`,
    )
  if (row.count > MOST_COLUMNS) throw fault(`expected at most ${MOST_COLUMNS} columns, got ${row.count}`)
  const names = Array.from({ length: row.count }, (_, cell) => nameOf(beginning, row, cell))
  const line = beginning.slice(from, row.end)
  const required = fields.filter((field) => field.required).map(({ column }) => column)
  const known = fields.map(({ column }) => column)
  checkNames(names, new TextDecoder().decode(line), { required, known, added })
  return {
    layout: { format: 'csv', width: names.length, places: known.map((column) => names.indexOf(column)) },
    line,
    lineEnd: row.next - row.end > 1 ? '\r\n' : '\n',
    length: row.next,
    lines: 1 + line.filter((byte) => byte === 10).length,
  }
}

function expectText(beginning: Uint8Array): void {
  if (beginning.every((byte) => byte === 10 || byte === 13 || byte === 32))
    throw new InputError('expected a header and rows, the file is empty')
  for (const [encoding, mark] of MARKS_OF_OTHERS)
    if (startsWith(beginning, mark))
      throw fault(`expected UTF-8, the file looks like ${encoding}; save it as UTF-8`)
  // No header has a NUL, but every second byte of UTF-16 is one.
  if (beginning.subarray(0, 4).includes(0)) throw fault('expected UTF-8 text, got a NUL byte')
}

function nameOf(bytes: Uint8Array, { starts, ends, escaped }: CsvRow, cell: number): string {
  const name = bytes.subarray(starts[cell], ends[cell])
  if (!isUtf8(name)) throw fault(`expected UTF-8 in the name of column ${cell + 1}, got other bytes`)
  const text = new TextDecoder().decode(name)
  return escaped[cell] ? text.replaceAll('""', '"') : text
}

interface Columns {
  readonly required: readonly string[]
  /** The required ones among them. */
  readonly known: readonly string[]
  readonly added: readonly string[]
}

function checkNames(names: readonly string[], line: string, { required, known, added }: Columns): void {
  const missingIn = (names: readonly string[]) => required.filter((column) => !names.includes(column))
  // Then the whole file is one line, and its rows would be names of columns.
  if (names.some((name) => name.includes('\r')))
    throw fault(
      'expected lines that end with \\n or \\r\\n, got \\r alone; save the file with other ends of lines',
    )
  const missing = missingIn(names)
  if (missing.length > 0) {
    for (const [separator, called] of OTHER_SEPARATORS)
      if (missingIn(line.split(separator)).length < missing.length)
        throw fault(`expected commas between the cells, got ${called}`)
    throw fault(
      `expected a header with the columns ${listed(required)}; missing ${listed(missing)}, got ${listed(names)}`,
    )
  }
  const repeated = known.filter((column) => names.indexOf(column) !== names.lastIndexOf(column))
  if (repeated.length > 0) throw fault(`expected each column once, got ${repeated.join(', ')} more than once`)
  const there = added.filter((name) => names.includes(name))
  if (there.length > 0)
    throw fault(`expected no column ${there.join(', ')}: it is what is added. Rename it, or leave it out`)
}

const OTHER_SEPARATORS = [
  [';', 'semicolons'],
  ['\t', 'tabs'],
  ['|', 'bars'],
] as const

const SHOWN_NAMES = 30

function listed(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN_NAMES).map((name) => (name.length > 40 ? `${name.slice(0, 37)}…` : name))
  const list = shown
    .map((name) => (name === name.trim() && name !== '' ? name : JSON.stringify(name)))
    .join(', ')
  return names.length > SHOWN_NAMES ? `${list}, …` : list
}

const startsWith = (bytes: Uint8Array, mark: readonly number[]): boolean =>
  mark.every((byte, at) => bytes[at] === byte)

const fault = (message: string): InputError => new InputError(`line 1: ${message}`)
