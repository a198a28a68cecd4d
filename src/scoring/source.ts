/**
 * A file of one of the formats → its layout, the beginning of the output, and its pieces in order.
 */
import type { Readable } from 'node:stream'
import type { InputSchema } from '../inputs/index.ts'
import {
  csvCell,
  InputError,
  type NamedFormat,
  type LeftOut,
  ParquetFile,
  ParquetRows,
  readHeader,
  textBeginning,
  widenedHeader,
} from '../formats/index.ts'
import { type Cut, Cutter } from './cutter.ts'
import type { Layout, OutputFormat } from './layout.ts'
import { openRandomFile } from './random-file.ts'
import { openReader, type Reader } from './reader.ts'
import { type ToldColumn, ToldColumns } from './told-columns.ts'

export interface Source {
  /** The names of its columns; of NDJSON, where each row has its own, none. */
  readonly columns: readonly string[]
  readonly layout: Layout
  /** What the output begins with. */
  readonly beginning: Uint8Array
  /** The line, or in a Parquet file the row, that the first piece begins with. */
  readonly firstLine: number
  /** Columns that the output has not, each with the reason. */
  readonly leftOut: readonly LeftOut[]
  cuts(): AsyncIterable<Cut>
  /** How much has been cut; the total is null where nobody knows. */
  progress(): { readonly done: number; readonly total: number | null }
  /** A buffer that came back. */
  giveBack(buffer: ArrayBuffer): void
  close(): Promise<void>
}

export interface SourceOptions {
  /** A path; of a text it can be a stream. */
  readonly from: string | Readable
  readonly format: NamedFormat
  readonly output: OutputFormat
  /** Columns that the path tells. */
  readonly told: readonly ToldColumn[]
  /** It is one of several parts, which may have nothing in it. */
  readonly mayBeEmpty: boolean
  readonly inputs: InputSchema
  /** Columns that a CSV gets more, and members that an object does. */
  readonly addedColumns: readonly string[]
  readonly addedMembers: readonly string[]
}

/** @returns null where nothing is in it and may be so @throws InputError */
export async function openSource(options: SourceOptions): Promise<Source | null> {
  if (options.format.format === 'parquet') return parquetSource(options)
  const reader = await openReader(options.from, options.format.compression)
  try {
    const source = await textSource(reader, options)
    if (!source) await reader.close()
    return source
  } catch (error) {
    await reader.close()
    throw error
  }
}

async function textSource(
  reader: Reader,
  { format, inputs, told, mayBeEmpty, ...options }: SourceOptions,
): Promise<Source | null> {
  const addedColumns = [...told.map(({ name }) => name), ...options.addedColumns]
  const spares: ArrayBuffer[] = []
  const cutter = new Cutter({
    reader,
    takeBuffer: (bytes) => spares.pop() ?? new ArrayBuffer(bytes),
  })
  const { bytes, isEnd } = await cutter.peek()
  // Writers leave such parts where a task had no rows.
  if (mayBeEmpty && isEnd && !bytes.some((byte) => byte > 32)) return null
  const header =
    format.format === 'csv'
      ? readHeader(bytes, isEnd, {
          schema: new ToldColumns(inputs, told).inFile,
          others: 'kept',
          added: addedColumns,
        })
      : null
  // What is at hand is more than any header takes.
  if (header === 'open') throw new Error('expected a whole header, got a part')
  cutter.skip(header ? header.length : textBeginning(bytes, 'NDJSON'))
  if (header) cutter.heedQuotes(header.layout.separator)
  return {
    columns: header ? header.layout.names : [],
    layout: header ? { format: 'csv', csv: header.layout, told } : { format: 'ndjson', told },
    beginning: header ? widenedHeader(header, addedColumns) : new Uint8Array(0),
    firstLine: 1 + (header ? header.lines : 0),
    leftOut: [],
    cuts: () => cutter.cuts(),
    progress: () => ({ done: cutter.readBytes, total: reader.size }),
    giveBack: (buffer) => void spares.push(buffer),
    close: () => reader.close(),
  }
}

/** Of a Parquet file, at a time. */
const ROWS_AT_ONCE = 65_536

async function parquetSource(options: SourceOptions): Promise<Source> {
  const { from: path, output, inputs, told } = options
  const names = told.map(({ name }) => name)
  const addedColumns = [...names, ...options.addedColumns]
  const addedMembers = [...names, ...options.addedMembers]
  if (typeof path !== 'string') throw new InputError('expected the path of a Parquet file, got a stream')
  const bytes = await openRandomFile(path)
  try {
    const file = await ParquetFile.open(bytes)
    const rows = new ParquetRows(
      new ToldColumns(inputs, told).inFile,
      file,
      output === 'csv' ? addedColumns : addedMembers,
    )
    const header = `${[rows.header(), ...addedColumns.map((name) => csvCell(name))].join()}\n`
    let done = 0
    return {
      columns: file.columns.map(({ name }) => name),
      layout: { format: 'parquet', path, output, told },
      beginning: Buffer.from(output === 'csv' ? header : ''),
      firstLine: 1,
      leftOut: file.leftOut,
      async *cuts() {
        for (const { start, end } of rangesOf(file.groupEnds)) {
          done = end
          yield { kind: 'piece', piece: { kind: 'rows', start, end } }
        }
      },
      progress: () => ({ done, total: file.rowCount }),
      giveBack: () => {},
      close: () => bytes.close(),
    }
  } catch (error) {
    await bytes.close()
    throw error
  }
}

/** Parts of the groups: rows of two groups are never read at once. */
function* rangesOf(
  groupEnds: readonly number[],
): Generator<{ readonly start: number; readonly end: number }> {
  let start = 0
  for (const groupEnd of groupEnds)
    for (; start < groupEnd; start = Math.min(groupEnd, start + ROWS_AT_ONCE))
      yield { start, end: Math.min(groupEnd, start + ROWS_AT_ONCE) }
}
