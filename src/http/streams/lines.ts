/**
 * Bytes as they arrive → numbered lines. Whatever is sent, no more than one line of the limit is held; of a line that is longer, only
 * that it was there is kept.
 */
import { isUtf8 } from 'node:buffer'

export interface Line {
  /** From 1, as editors count. */
  readonly number: number
  /** Without its line feed; null: it was longer than the limit. */
  readonly bytes: Buffer | null
}

const LINE_FEED = 0x0a
const BYTE_ORDER_MARK = Buffer.from('\uFEFF')

export class LineSplitter {
  readonly #limitBytes: number
  /** The beginning of the line whose end has not arrived. */
  readonly #held: Buffer
  #heldBytes = 0
  #isTooLong = false
  #number = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
    this.#held = Buffer.allocUnsafeSlow(limitBytes)
  }

  *push(chunk: Buffer): Generator<Line> {
    let start = 0
    for (let end; (end = chunk.indexOf(LINE_FEED, start)) !== -1; start = end + 1)
      yield this.#line(chunk.subarray(start, end))
    this.#hold(chunk.subarray(start))
  }

  /** The last line, where no line break follows it. */
  *end(): Generator<Line> {
    if (this.#heldBytes > 0 || this.#isTooLong) yield this.#line(Buffer.alloc(0))
  }

  #hold(bytes: Buffer): void {
    if (this.#isTooLong || this.#heldBytes + bytes.length > this.#limitBytes) this.#isTooLong = true
    else this.#heldBytes += bytes.copy(this.#held, this.#heldBytes)
  }

  #line(end: Buffer): Line {
    const number = ++this.#number
    const isTooLong = this.#isTooLong || this.#heldBytes + end.length > this.#limitBytes
    const bytes = isTooLong
      ? null
      : this.#heldBytes === 0
        ? end
        : Buffer.concat([this.#held.subarray(0, this.#heldBytes), end])
    this.#heldBytes = 0
    this.#isTooLong = false
    return { number, bytes: bytes && (number === 1 ? withoutMark(bytes) : bytes) }
  }
}

/** Spreadsheets write it before the first line. */
const withoutMark = (bytes: Buffer): Buffer =>
  bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)
    ? bytes.subarray(BYTE_ORDER_MARK.length)
    : bytes

/** What cannot be read of a line whatever its format; null if it is text. */
export function faultOf({ bytes }: Line, limitBytes: number): string | null {
  if (bytes === null) return `expected at most ${limitBytes} bytes, got more`
  return isUtf8(bytes) ? null : 'expected UTF-8, got other bytes'
}
