/**
 * A piece of a CSV that begins and ends with rows → its rows, one after the other. Made for speed: the values of a row are in one list
 * that the next row overwrites.
 */
import { isUtf8 } from 'node:buffer'
import type { Fault, InputSchema, Value } from '../../inputs/index.ts'
import { notUtf8, rowFault } from '../errors.ts'
import { CsvCells } from './cells.ts'
import type { CsvLayout } from './header.ts'
import { CsvRow, MAX_ROW_BYTES } from './row.ts'

const NOTHING = new Uint8Array(0)

export class CsvRows {
  /** Of the present row; they hold nothing where it has a fault. */
  readonly values: Value[]
  fault: Fault | null = null
  /** Its line, from the first of the piece, which is 0. */
  line = 0
  /** Where it begins and ends, without the end of its line, and where the next one begins. */
  from = 0
  end = 0
  next = 0
  /** Lines read so far. */
  lines = 0
  readonly #cells: CsvCells
  readonly #row: CsvRow
  #bytes: Uint8Array = NOTHING
  #isAllUtf8 = true

  constructor(schema: InputSchema, layout: CsvLayout, maxRowBytes = MAX_ROW_BYTES) {
    this.#cells = new CsvCells(schema, layout)
    this.#row = new CsvRow(layout.separator, layout.width, maxRowBytes)
    this.values = schema.fields.map(() => null)
  }

  begin(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.#isAllUtf8 = isUtf8(bytes)
    this.from = this.end = this.next = this.line = this.lines = 0
  }

  /** To the next row; empty lines are passed over. @returns whether there is one */
  advance(): boolean {
    const bytes = this.#bytes
    const row = this.#row
    while (this.next < bytes.length) {
      const from = this.next
      const isWhole = row.read(bytes, from, bytes.length, true) === 'complete'
      this.next = row.next
      this.line = this.lines
      this.lines += row.lines
      if (isWhole && row.end === from) continue
      this.from = from
      this.end = row.end
      if (!this.#isAllUtf8 && !isUtf8(bytes.subarray(from, row.end))) this.fault = notUtf8()
      else if (isWhole) this.fault = this.#cells.read(bytes, row, this.values)
      else this.fault = rowFault(row.problem)
      return true
    }
    return false
  }

  /** Of the present row, if it has no fault. */
  userId(): string | null | Fault {
    return this.#cells.userId(this.#bytes, this.#row)
  }
}
