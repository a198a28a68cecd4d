/**
 * The beginning of a CSV → its layout: the separator, and which cell holds which field. Refuses, each with what was expected and what
 * came, an input without a header, in another encoding, or with a column missing, repeated, or in the place of one that is added.
 */
import { isUtf8 } from 'node:buffer'
import type { InputSchema } from '../../inputs/index.ts'
import {
  expectColumns,
  expectRoomFor,
  fieldNames,
  knownNames,
  placesOf,
  requiredNames,
  userIdName,
} from '../columns.ts'
import { InputError } from '../errors.ts'
import type { Others } from '../install.ts'
import { expectPlainText, expectUtf8Mark, markBytes } from '../signatures.ts'
import { CR, CsvRow, LF, LONE_CR, type Separator, SEPARATORS, tooLong } from './row.ts'

/** All that is needed to read rows; it can be sent to a thread. */
export interface CsvLayout {
  readonly separator: Separator
  /** Cells of a row. */
  readonly width: number
  /** From here on cells belong to columns without names at the end of the header, and have to be empty. */
  readonly named: number
  readonly names: readonly string[]
  /** Which cell holds which field of the schema; −1: none, and the field is null. */
  readonly places: readonly number[]
  /** −1: there is none. */
  readonly userIdPlace: number
}

export interface CsvHeader {
  readonly layout: CsvLayout
  /** Without a mark, and without its end. */
  readonly line: Uint8Array
  /** How it ends; a line feed where the input ends with it. */
  readonly lineEnd: Uint8Array
  /** Bytes up to the first row. */
  readonly length: number
  /** Lines up to the first row. */
  readonly lines: number
}

export interface HeaderOptions {
  readonly schema: InputSchema
  readonly others: Others
  readonly otherSchemas?: readonly InputSchema[]
  readonly maxRowBytes?: number
  /** Columns that the output has more. */
  readonly added?: readonly string[]
}

/** More than a header of so many columns takes, and less than what is read of a file at once. */
const MAX_HEADER_BYTES = 1 << 18
/** No header has so many columns. */
const MOST_COLUMNS = 10_000

/**
 * @param isEnd whether nothing follows `beginning`
 * @returns `open` where more bytes are needed
 * @throws InputError
 */
export function readHeader(
  beginning: Uint8Array,
  isEnd: boolean,
  options: HeaderOptions,
): CsvHeader | 'open' {
  const { schema } = options
  const maxBytes = Math.min(options.maxRowBytes ?? MAX_HEADER_BYTES, MAX_HEADER_BYTES)
  expectPlainText(beginning, 'CSV')
  expectUtf8Mark(beginning)
  let from = markBytes(beginning)
  let lines = 0
  for (let end; (end = endOfEmptyLine(beginning, from, isEnd)) > from; from = end) lines++
  if (isBlank(beginning)) {
    if (!isEnd && beginning.length <= maxBytes) return 'open'
    throw new InputError(
      'expected a header and rows, the file is empty',
      'expected the names of the columns, got nothing',
    )
  }
  const ours = new Set([
    ...fieldNames(schema, 'columns'),
    userIdName(schema, 'columns'),
    schema.target.column,
  ])
  const candidates = SEPARATORS.map((separator) => {
    const row = new CsvRow(separator, MOST_COLUMNS, maxBytes)
    const state = row.read(beginning, from, beginning.length, isEnd)
    const names = state === 'complete' ? namesIn(beginning, row) : []
    return { separator, row, state, names, found: new Set(names.filter((name) => ours.has(name ?? ''))).size }
  })
  if (candidates.some(({ state }) => state === 'open')) return 'open'
  // The first counts where the header leaves it open.
  const best = candidates.reduce((best, each) => (each.found > best.found ? each : best))
  const { row } = best
  const where = `line ${lines + 1}`
  if (best.state !== 'complete')
    throw new InputError(`${where}: ${hasLoneCr(beginning) ? LONE_CR : row.problem || tooLong(maxBytes)}`)
  if (row.count > MOST_COLUMNS)
    throw new InputError(`${where}: expected at most ${MOST_COLUMNS} columns, got ${row.count}`)
  const names = best.names.map((name, at) => {
    if (name !== null) return name
    throw new InputError(`${where}: expected UTF-8 in the name of column ${at + 1}, got other bytes`)
  })
  const lineEnd = copy(beginning, row.end, row.next)
  return {
    layout: layoutOf(names, best.separator, where, options),
    line: copy(beginning, from, row.end),
    lineEnd: lineEnd.at(-1) === LF ? lineEnd : Uint8Array.of(LF),
    length: row.next,
    lines: lines + row.lines,
  }
}

function layoutOf(
  names: readonly string[],
  separator: Separator,
  where: string,
  options: HeaderOptions,
): CsvLayout {
  const { schema, others, otherSchemas = [], added = [] } = options
  const named = names.findLastIndex((name) => name !== '') + 1
  const columns = names.slice(0, named)
  const known = others === 'refused' ? knownNames(schema, 'columns', otherSchemas) : null
  expectColumns(
    columns,
    { required: requiredNames(schema, 'columns'), known: known?.listed ?? null, where, what: 'the columns ' },
    known?.all ?? new Set(fieldNames(schema, 'columns')),
  )
  expectRoomFor(added, columns, `${where}: `)
  return {
    separator,
    width: names.length,
    named,
    names: columns,
    places: placesOf(columns, schema, 'columns'),
    userIdPlace: columns.indexOf(schema.userIdColumn),
  }
}

/** Null: the name is no UTF-8. */
function namesIn(bytes: Uint8Array, { starts, ends, escaped, count }: CsvRow): (string | null)[] {
  return Array.from({ length: Math.min(count, MOST_COLUMNS) }, (_, cell) => {
    const name = bytes.subarray(starts[cell], ends[cell])
    if (!isUtf8(name)) return null
    const text = decoder.decode(name)
    return escaped[cell] ? text.replaceAll('""', '"') : text
  })
}

/** @returns `from` if the line there is not empty, or not whole */
function endOfEmptyLine(bytes: Uint8Array, from: number, isEnd: boolean): number {
  let p = from
  while (p < bytes.length && bytes[p] === CR) p++
  if (p < bytes.length) return bytes[p] === LF ? p + 1 : from
  return isEnd ? p : from
}

const isBlank = (bytes: Uint8Array): boolean =>
  bytes.subarray(markBytes(bytes)).every((byte) => byte === LF || byte === CR || byte === SPACE)
const SPACE = 32

/** Where \r alone ends lines, the whole file is one line, whatever else is wrong with it then. */
function hasLoneCr(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(CR); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    const next = bytes[at + 1]
    if (next === LF) return false
    if (next !== undefined && next !== CR) return true
  }
  return false
}

/** `slice` of a Buffer would not copy. */
const copy = (bytes: Uint8Array, from: number, to: number): Uint8Array =>
  new Uint8Array(bytes.subarray(from, to))

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
