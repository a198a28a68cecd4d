/**
 * A piece of NDJSON that begins and ends with lines → its rows, one after the other.
 */
import { Fault, type InputSchema, type Row } from '../../inputs/index.ts'
import { LF, MAX_ROW_BYTES, tooLong } from '../csv/row.ts'
import { rowFault } from '../errors.ts'
import { NdjsonReader, type NdjsonRules } from './line.ts'

export class NdjsonRows {
  /** Of the present row; they hold nothing where it has a fault. */
  values: Row = []
  fault: Fault | null = null
  userId: string | null = null
  /** Whether the object has no members. */
  isEmpty = false
  /** Its line, from the first of the piece, which is 0. */
  line = 0
  /** Where it begins and ends, without its line feed, and where the next one begins. */
  from = 0
  end = 0
  next = 0
  /** Lines read so far. */
  lines = 0
  readonly #reader: NdjsonReader
  readonly #maxRowBytes: number
  #bytes: Uint8Array = new Uint8Array(0)

  constructor(schema: InputSchema, rules: NdjsonRules, maxRowBytes = MAX_ROW_BYTES) {
    this.#reader = new NdjsonReader(schema, rules)
    this.#maxRowBytes = maxRowBytes
  }

  begin(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.from = this.end = this.next = this.line = this.lines = 0
  }

  /** To the next row; lines of blanks are passed over. @returns whether there is one */
  advance(): boolean {
    const bytes = this.#bytes
    while (this.next < bytes.length) {
      this.from = this.next
      const found = bytes.indexOf(LF, this.from)
      this.end = found < 0 ? bytes.length : found
      this.next = Math.min(this.end + 1, bytes.length)
      this.line = this.lines++
      const read =
        this.end - this.from > this.#maxRowBytes
          ? rowFault(tooLong(this.#maxRowBytes))
          : this.#reader.read(bytes.subarray(this.from, this.end))
      if (read === null) continue
      if (read instanceof Fault) this.fault = read
      else {
        this.fault = null
        this.values = read.install.row
        this.userId = read.install.userId
        this.isEmpty = Object.keys(read.object).length === 0
      }
      return true
    }
    return false
  }
}
