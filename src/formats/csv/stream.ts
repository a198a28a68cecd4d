/**
 * A CSV as its bytes arrive → its rows, numbered. No more is held than the row whose end has not arrived, and of a row that is longer than
 * may be nothing. A row with a fault is followed by the next one.
 */
import { isUtf8 } from 'node:buffer'
import { Fault, type InputSchema, type Row, type Value } from '../../inputs/index.ts'
import { placesOf } from '../columns.ts'
import { notUtf8, rowFault } from '../errors.ts'
import type { ReadRow, RowStream, RowStreamOptions } from '../install.ts'
import { CsvCells } from './cells.ts'
import { type CsvLayout, readHeader } from './header.ts'
import { CsvRow, LF } from './row.ts'

export class CsvStream implements RowStream {
  readonly #options: RowStreamOptions
  #held: Uint8Array[] = []
  #heldBytes = 0
  #line = 1
  /** Whether the rest of a line that was too long is passed over. */
  #isSkipping = false
  /** Null before the header. */
  #rows: { readonly layout: CsvLayout; readonly row: CsvRow; readonly cells: CsvCells } | null = null
  readonly #otherCells = new Map<InputSchema, CsvCells>()

  constructor(options: RowStreamOptions) {
    this.#options = options
  }

  /** @throws InputError if the header is wrong */
  *push(bytes: Uint8Array): Generator<ReadRow> {
    this.#held.push(bytes)
    this.#heldBytes += bytes.length
    // No row ends in what has no end of a line.
    if (this.#heldBytes <= this.#options.maxRowBytes && !bytes.includes(LF)) return
    yield* this.#read(this.#takeHeld(), false)
  }

  /** @throws InputError if there is no header */
  *end(): Generator<ReadRow> {
    yield* this.#read(this.#takeHeld(), true)
  }

  #takeHeld(): Uint8Array {
    const bytes = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    return bytes
  }

  *#read(bytes: Uint8Array, isEnd: boolean): Generator<ReadRow> {
    let from = 0
    if (!this.#rows) {
      const header = readHeader(bytes, isEnd, this.#options)
      if (header === 'open') return this.#hold(bytes, 0)
      const { layout } = header
      const row = new CsvRow(layout.separator, layout.width, this.#options.maxRowBytes)
      this.#rows = { layout, row, cells: new CsvCells(this.#options.schema, layout) }
      this.#line += header.lines
      from = header.length
    }
    const { row } = this.#rows
    while (from < bytes.length) {
      if (this.#isSkipping) {
        const end = bytes.indexOf(LF, from)
        if (end < 0) return
        this.#isSkipping = false
        from = end + 1
        continue
      }
      const state = row.read(bytes, from, bytes.length, isEnd)
      if (state === 'open') return this.#hold(bytes, from)
      const line = this.#line
      if (state === 'too-long') {
        this.#isSkipping = true
        this.#line++
        yield { line, fault: rowFault(row.problem) }
        continue
      }
      const start = from
      from = row.next
      this.#line += row.lines
      if (state === 'complete' && row.end === start) continue
      yield this.#readRow(bytes.subarray(start, row.next), line, state)
    }
  }

  #hold(bytes: Uint8Array, from: number): void {
    // A copy: what it is cut from is larger, and its owner may use it again.
    const rest = new Uint8Array(bytes.subarray(from))
    this.#held = [rest]
    this.#heldBytes = rest.length
  }

  #readRow(bytes: Uint8Array, line: number, state: 'complete' | 'broken'): ReadRow {
    const { row, cells } = this.#rows!
    if (!isUtf8(bytes)) return { line, fault: notUtf8() }
    if (state === 'broken') return { line, fault: rowFault(row.problem) }
    // From its own beginning, since these bytes are what `rowFor` reads again.
    row.read(bytes, 0, bytes.length, true)
    const values: Value[] = []
    const fault = cells.read(bytes, row, values)
    if (fault) return { line, fault }
    const userId = cells.userId(bytes, row)
    if (userId instanceof Fault) return { line, fault: userId }
    return { line, install: { row: values, userId, rowFor: (other) => this.#rowFor(other, bytes) } }
  }

  #rowFor(other: InputSchema, bytes: Uint8Array): Row | null {
    const { layout } = this.#rows!
    const places = placesOf(layout.names, other, 'columns')
    if (places.some((place, at) => place < 0 && other.fields[at]!.required)) return null
    let cells = this.#otherCells.get(other)
    if (!cells) this.#otherCells.set(other, (cells = new CsvCells(other, { ...layout, places })))
    const row = new CsvRow(layout.separator, layout.width, this.#options.maxRowBytes)
    row.read(bytes, 0, bytes.length, true)
    const values: Value[] = []
    return cells.read(bytes, row, values) ? null : values
  }
}
