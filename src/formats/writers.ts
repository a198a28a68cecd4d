/**
 * Rows with what is added to them → bytes: those of a CSV or NDJSON byte by byte as they came.
 */
import type { ByteWriter } from './byte-writer.ts'
import { csvCell } from './csv/cell.ts'
import type { CsvHeader } from './csv/header.ts'
import { LF, type Separator } from './csv/row.ts'

const CLOSING_BRACE = 125

/** A row, and where it stands: without its end, and where the next one begins. */
export interface RowSpan {
  readonly from: number
  readonly end: number
  readonly next: number
}

/** @param columns the names of what is added */
export function widenedHeader({ line, lineEnd, layout }: CsvHeader, columns: readonly string[]): Uint8Array {
  const { text } = layout.separator
  const added = columns.map((name) => text + csvCell(name, text)).join('')
  return Buffer.concat([line, Buffer.from(added), lineEnd])
}

/**
 * @param told what is added before the cells, each with its separator
 * @param cells what is added, in ASCII without separators, such as numbers
 */
export function writeWidenedRow(
  out: ByteWriter,
  bytes: Uint8Array,
  { from, end, next }: RowSpan,
  separator: Separator,
  cells: readonly string[],
  told = '',
): void {
  out.copy(bytes, from, end)
  if (told !== '') out.utf8(told)
  for (const cell of cells) {
    out.byte(separator.byte)
    out.ascii(cell)
  }
  // The last row of a file may have no end, and the next file's first one must not follow it.
  if (next > end && bytes[next - 1] === LF) out.copy(bytes, end, next)
  else out.byte(LF)
}

/**
 * @param line an object of JSON, with blanks around it perhaps
 * @param members what is added as JSON, without braces
 */
export function writeWidenedObject(
  out: ByteWriter,
  line: Uint8Array,
  isEmpty: boolean,
  members: string,
): void {
  out.copy(line, 0, line.lastIndexOf(CLOSING_BRACE))
  if (!isEmpty) out.ascii(',')
  out.utf8(members)
  out.byte(CLOSING_BRACE)
  out.byte(LF)
}
