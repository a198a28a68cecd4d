/**
 * A stream of bytes → pieces of whole rows, each in a buffer of its own, which a thread can be given uncopied. The memory is that of the
 * pieces on their way, whatever the file: a line that does not end within MAX_ROW_BYTES is skipped as it comes.
 */
import { CsvRow, LF, MAX_ROW_BYTES, QUOTE, type Separator, tooLong } from '../formats/index.ts'
import { type Fault, type Piece, shownRow } from './piece.ts'
import type { Reader } from './reader.ts'

export interface CutterLimits {
  /** Read at a time. */
  readonly blockBytes: number
  readonly maxRowBytes: number
}

/** A block is a few thousand rows, some twenty milliseconds of work. */
const LIMITS: CutterLimits = { blockBytes: 1 << 19, maxRowBytes: MAX_ROW_BYTES }

export type Cut =
  | { readonly kind: 'piece'; readonly piece: Piece }
  /** A line that is skipped. */
  | { readonly kind: 'fault'; readonly fault: Fault }

export interface CutterOptions {
  readonly reader: Pick<Reader, 'read'>
  /** A buffer that came back, of this many bytes, or a new one. */
  readonly takeBuffer: (bytes: number) => ArrayBuffer
}

export class Cutter {
  /** Bytes read so far. */
  readBytes = 0
  readonly #options: CutterOptions
  readonly #blockBytes: number
  readonly #maxRowBytes: number
  /** Null where no end of a line lies within quotes. */
  #row: CsvRow | null = null
  #bytes: Uint8Array<ArrayBuffer>
  /** Where what is not cut yet begins and ends. */
  #from = 0
  #to = 0
  #isEnd = false

  constructor(options: CutterOptions, { blockBytes, maxRowBytes }: CutterLimits = LIMITS) {
    this.#options = options
    this.#blockBytes = blockBytes
    this.#maxRowBytes = maxRowBytes
    this.#bytes = this.#newBuffer()
  }

  /** What stands at the beginning, up to a block or the end; it stays there until `skip` takes it. */
  async peek(): Promise<{ readonly bytes: Uint8Array; readonly isEnd: boolean }> {
    while (!this.#isEnd && this.#to - this.#from < this.#blockBytes) await this.#read()
    return { bytes: this.#bytes.subarray(this.#from, this.#to), isEnd: this.#isEnd }
  }

  skip(bytes: number): void {
    this.#from += bytes
  }

  /** From here on ends of lines may lie within quotes. */
  heedQuotes(separator: Separator): void {
    this.#row = new CsvRow(separator, 0, this.#maxRowBytes)
  }

  async *cuts(): AsyncGenerator<Cut> {
    for (;;) {
      while (!this.#isEnd && this.#to - this.#from < this.#blockBytes) await this.#read()
      let end = this.#endOfRows()
      while (end === this.#from && !this.#isEnd && this.#to - this.#from <= this.#maxRowBytes) {
        await this.#read()
        end = this.#endOfRows()
      }
      if (end > this.#from) yield { kind: 'piece', piece: this.#cut(end) }
      else if (this.#to > this.#from) yield { kind: 'fault', fault: await this.#skipLine() }
      if (this.#isEnd && this.#from === this.#to) return
    }
  }

  /** Moves what is left to the front of the buffer, and reads behind it. */
  async #read(): Promise<void> {
    if (this.#from > 0) {
      this.#bytes.copyWithin(0, this.#from, this.#to)
      this.#to -= this.#from
      this.#from = 0
    }
    const room = Math.min(this.#blockBytes, this.#bytes.length - this.#to)
    const count = await this.#options.reader.read(this.#bytes, this.#to, room)
    if (count === 0) this.#isEnd = true
    this.#to += count
    this.readBytes += count
  }

  /** Where the last row that is whole ends. */
  #endOfRows(): number {
    const rest = this.#bytes.subarray(this.#from, this.#to)
    if (this.#isEnd && rest.length <= this.#maxRowBytes) return this.#to
    const row = this.#row
    if (!row) {
      const last = rest.lastIndexOf(LF)
      return this.#isEnd && rest.length - last <= this.#maxRowBytes ? this.#to : this.#from + last + 1
    }
    let end = this.#from
    while (end < this.#to) {
      // No quote is open here: the lines before the next one are rows, and their cells need not be looked for.
      const quote = this.#bytes.indexOf(QUOTE, end)
      if (quote < 0 || quote >= this.#to) {
        const last = this.#bytes.lastIndexOf(LF, this.#to - 1)
        return Math.max(end, last + 1)
      }
      end = Math.max(end, this.#bytes.lastIndexOf(LF, quote) + 1)
      const state = row.read(this.#bytes, end, this.#to, this.#isEnd)
      if (state === 'open' || state === 'too-long') break
      end = row.next
    }
    return end
  }

  #cut(end: number): Piece {
    const rest = this.#bytes.subarray(end, this.#to)
    const next = this.#newBuffer()
    next.set(rest)
    // The rows begin at the front, but where a header was skipped.
    if (this.#from > 0) this.#bytes.copyWithin(0, this.#from, end)
    const piece: Piece = { kind: 'bytes', buffer: this.#bytes.buffer, length: end - this.#from }
    this.#bytes = next
    this.#from = 0
    this.#to = rest.length
    return piece
  }

  /** Room for what is left of a row of the piece before, and a block. */
  #newBuffer(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#options.takeBuffer(this.#maxRowBytes + this.#blockBytes))
  }

  async #skipLine(): Promise<Fault> {
    const row = shownRow(this.#bytes, this.#from, this.#to)
    this.#row?.read(this.#bytes, this.#from, this.#to, this.#isEnd)
    const error = this.#row?.problem || tooLong(this.#maxRowBytes)
    for (;;) {
      const end = this.#bytes.subarray(this.#from, this.#to).indexOf(LF)
      this.#from = end < 0 ? this.#to : this.#from + end + 1
      if (end >= 0 || this.#isEnd) break
      await this.#read()
    }
    return { line: 0, error, row }
  }
}
