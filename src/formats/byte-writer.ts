/**
 * Texts and bytes → one buffer that grows. What it has written is handed over as a whole, so that it can go to another thread uncopied.
 */
const MIN_BYTES = 1 << 16

export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>
  #length = 0

  /** @param spare to begin with, if there is one */
  constructor(spare: ArrayBuffer | null = null) {
    this.#bytes = spare ? new Uint8Array(spare) : new Uint8Array(MIN_BYTES)
  }

  /** `source` from `from` up to `to`. */
  copy(source: Uint8Array, from: number, to: number): void {
    this.#reserve(to - from)
    this.#bytes.set(source.subarray(from, to), this.#length)
    this.#length += to - from
  }

  /** A text of ASCII. */
  ascii(text: string): void {
    this.#reserve(text.length)
    const bytes = this.#bytes
    let at = this.#length
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i)
    this.#length = at
  }

  utf8(text: string): void {
    // A unit of a text takes at most three bytes.
    this.#reserve(text.length * 3)
    this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
  }

  /** All that was written; the writer is done. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length)
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}

const encoder = new TextEncoder()
