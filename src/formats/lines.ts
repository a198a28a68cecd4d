/**
 * Bytes as they arrive → numbered lines. No more is held than the line whose end has not arrived, and of a line that is longer than may
 * be nothing.
 */
import { markBytes } from './signatures.ts'

export interface Line {
  /** From 1, as editors count. */
  readonly number: number
  /** Without its line feed; null: it was longer than may be. */
  readonly bytes: Uint8Array | null
}

const LINE_FEED = 0x0a
const NOTHING = new Uint8Array(0)

export class LineSplitter {
  readonly #maxBytes: number
  /** The beginning of the line whose end has not arrived. */
  #held: Uint8Array[] = []
  #heldBytes = 0
  #isTooLong = false
  #number = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  *push(chunk: Uint8Array): Generator<Line> {
    let start = 0
    for (let end; (end = chunk.indexOf(LINE_FEED, start)) !== -1; start = end + 1)
      yield this.#line(chunk.subarray(start, end))
    this.#hold(chunk.subarray(start))
  }

  /** The last line, where no line feed follows it. */
  *end(): Generator<Line> {
    if (this.#heldBytes > 0 || this.#isTooLong) yield this.#line(NOTHING)
  }

  #hold(bytes: Uint8Array): void {
    if (this.#isTooLong || this.#heldBytes + bytes.length > this.#maxBytes) {
      this.#isTooLong = true
      this.#held = []
    } else if (bytes.length > 0) {
      // A copy: what it is cut from is larger.
      this.#held.push(new Uint8Array(bytes))
      this.#heldBytes += bytes.length
    }
  }

  #line(end: Uint8Array): Line {
    const number = ++this.#number
    const isTooLong = this.#isTooLong || this.#heldBytes + end.length > this.#maxBytes
    const bytes = isTooLong ? null : this.#held.length === 0 ? end : Buffer.concat([...this.#held, end])
    this.#held = []
    this.#heldBytes = 0
    this.#isTooLong = false
    return { number, bytes: bytes && (number === 1 ? bytes.subarray(markBytes(bytes)) : bytes) }
  }
}
