/**
 * A file of one of the formats → its layout, the beginning of the output, and its pieces in order.
 */
import type { Readable } from 'node:stream'
import type { InputSchema } from '../inputs/index.ts'
import { type CsvHeader, readHeader } from './csv/header.ts'
import { csvCell } from './csv/cell.ts'
import { type Cut, Cutter } from './cutter.ts'
import { type Format, InputError, type Layout, type OutputFormat } from './layout.ts'
import { parquetLayout } from './parquet/columns.ts'
import { ParquetFile } from './parquet/file.ts'
import { openReader, type Reader } from './reader.ts'

export interface Source {
  readonly layout: Layout
  /** What the output begins with. */
  readonly beginning: Uint8Array
  /** The line, or in a Parquet file the row, that the first piece begins with. */
  readonly firstLine: number
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
  readonly format: Format
  readonly output: OutputFormat
  readonly inputs: InputSchema
  /** Columns that a CSV gets more, and members that an object does. */
  readonly addedColumns: readonly string[]
  readonly addedMembers: readonly string[]
}

/** @throws InputError */
export async function openSource(options: SourceOptions): Promise<Source> {
  if (options.format === 'parquet') return parquetSource(options)
  const reader = await openReader(options.from)
  try {
    return await textSource(reader, options)
  } catch (error) {
    await reader.close()
    throw error
  }
}

/** A mark that some programs put before UTF-8. */
const MARK = Buffer.from([0xef, 0xbb, 0xbf])

async function textSource(reader: Reader, { format, inputs, addedColumns }: SourceOptions): Promise<Source> {
  const spares: ArrayBuffer[] = []
  const cutter = new Cutter({
    reader,
    isQuoted: format === 'csv',
    takeBuffer: (bytes) => spares.pop() ?? new ArrayBuffer(bytes),
  })
  const { bytes, isEnd } = await cutter.peek()
  const header = format === 'csv' ? readHeader(bytes, isEnd, inputs, addedColumns) : null
  const mark = MARK.equals(bytes.subarray(0, MARK.length)) ? MARK.length : 0
  cutter.skip(header ? header.length : mark)
  return {
    layout: header ? header.layout : { format: 'ndjson' },
    beginning: header ? longerHeader(header, addedColumns) : new Uint8Array(0),
    firstLine: 1 + (header ? header.lines : 0),
    cuts: () => cutter.cuts(),
    progress: () => ({ done: cutter.readBytes, total: reader.size }),
    giveBack: (buffer) => void spares.push(buffer),
    close: () => reader.close(),
  }
}

function longerHeader({ line, lineEnd }: CsvHeader, addedColumns: readonly string[]): Uint8Array {
  return Buffer.concat([line, Buffer.from(`,${addedColumns.map(csvCell).join()}${lineEnd}`)])
}

/** Of a Parquet file, at a time. */
const ROWS_AT_ONCE = 65_536

async function parquetSource(options: SourceOptions): Promise<Source> {
  const { from: path, output, inputs, addedColumns, addedMembers } = options
  if (typeof path !== 'string') throw new InputError('expected the path of a Parquet file, got a stream')
  const file = await ParquetFile.open(path)
  try {
    const added = output === 'csv' ? addedColumns : addedMembers
    const layout = parquetLayout(file, path, output, inputs, added)
    const header = `${[...layout.columns, ...addedColumns].map(csvCell).join()}\n`
    let done = 0
    return {
      layout,
      beginning: Buffer.from(output === 'csv' ? header : ''),
      firstLine: 1,
      async *cuts() {
        for (const { start, end } of rangesOf(file.groupEnds)) {
          done = end
          yield { kind: 'piece', piece: { kind: 'rows', start, end } }
        }
      },
      progress: () => ({ done, total: file.rowCount }),
      giveBack: () => {},
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
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
