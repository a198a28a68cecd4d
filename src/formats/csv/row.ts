/**
 * The one CSV grammar, as bytes → where the cells of the next row are. It is RFC 4180 with these answers to what that leaves open:
 *
 * - A row ends with \n; any \r right before it belong to the end. A \r elsewhere in a cell without quotes is a fault of the row.
 * - A cell that begins with a quote goes up to the next single quote; there the separator or the end of the row has to follow. A quote
 *   in another cell is a character like any other.
 * - A row whose quotes do not close as they should ends with its first line, so that one forgotten quote costs one line and not the
 *   rest of the file.
 *
 * All who read CSV come here and so agree about every row; training/day7_training/data/csv_rows.py says the same in Python.
 */
export const QUOTE = 34
export const LF = 10
export const CR = 13

export const SEPARATORS = [
  { byte: 44, text: ',', called: 'comma' },
  { byte: 59, text: ';', called: 'semicolon' },
  { byte: 9, text: '\t', called: 'tab' },
] as const
export type Separator = (typeof SEPARATORS)[number]

/** Of a row in a file, in bytes, with its end; there has to be an end to what is kept of one. */
export const MAX_ROW_BYTES = 1 << 20

export type RowState =
  /** Its cells are known. */
  | 'complete'
  /** `problem` says why there are none. */
  | 'broken'
  /** More bytes are needed to say. */
  | 'open'
  /** It is longer than may be, or broken, and its line does not end in the bytes at hand; `problem` says what is wrong. */
  | 'too-long'

export class CsvRow {
  /** Where cells begin and end, without their quotes. */
  readonly starts: Int32Array
  readonly ends: Int32Array
  /** 1 where a cell has doubled quotes. */
  readonly escaped: Uint8Array
  /** How many cells there are; those behind the `width`th have no place above. */
  count = 0
  /** How many lines it takes. */
  lines = 1
  /** Where it ends, without the end of its line, and where the next one begins. */
  end = 0
  next = 0
  problem = ''
  readonly #separator: Separator
  readonly #width: number
  readonly #maxBytes: number
  /** No byte above it means anything outside of quotes. */
  readonly #highest: number

  constructor(separator: Separator, width: number, maxBytes = MAX_ROW_BYTES) {
    this.#separator = separator
    this.#width = width
    this.#maxBytes = maxBytes
    this.#highest = Math.max(separator.byte, CR)
    this.starts = new Int32Array(width)
    this.ends = new Int32Array(width)
    this.escaped = new Uint8Array(width)
  }

  /** @param isEnd whether nothing follows behind `to` */
  read(bytes: Uint8Array, from: number, to: number, isEnd: boolean): RowState {
    const separator = this.#separator.byte
    const highest = this.#highest
    const isCut = to > from + this.#maxBytes
    const limit = isCut ? from + this.#maxBytes : to
    const isWhole = isEnd && !isCut
    this.count = 0
    this.lines = 1
    this.problem = ''
    let isLoneCr = false
    let p = from
    for (;;) {
      if (p < limit && bytes[p] === QUOTE) {
        const close = this.#readQuoted(bytes, p + 1, limit)
        if (close < 0) return this.#break(bytes, from, to, isEnd, UNCLOSED)
        p = close + 1
        if (p < limit && bytes[p] === separator) {
          p++
          continue
        }
        const after = pastCr(bytes, p, limit)
        if (after < limit ? bytes[after] === LF : isWhole) return this.#finish(isLoneCr, p, after, limit)
        return this.#break(bytes, from, to, isEnd, after < limit ? this.#behindQuote() : this.#tooLong())
      }
      const start = p
      for (; p < limit; p++) {
        const byte = bytes[p]!
        if (byte > highest) continue
        if (byte === separator || byte === LF) break
        if (byte !== CR) continue
        const after = pastCr(bytes, p, limit)
        if (after < limit ? bytes[after] === LF : isWhole) {
          this.#add(start, p, 0)
          return this.#finish(isLoneCr, p, after, limit)
        }
        if (after < limit) isLoneCr = true
        p = after - 1
      }
      if (p >= limit && !isWhole) return this.#break(bytes, from, to, isEnd, this.#tooLong())
      this.#add(start, p, 0)
      if (p >= limit || bytes[p] === LF) return this.#finish(isLoneCr, p, p, limit)
      p++
    }
  }

  /** @returns the place of the quote that closes the cell; −1 if there is none */
  #readQuoted(bytes: Uint8Array, start: number, limit: number): number {
    let isEscaped = 0
    let lines = 0
    for (let p = start; p < limit; p++) {
      if (bytes[p] === LF) lines++
      if (bytes[p] !== QUOTE) continue
      if (p + 1 < limit && bytes[p + 1] === QUOTE) {
        isEscaped = 1
        p++
        continue
      }
      this.#add(start, p, isEscaped)
      this.lines += lines
      return p
    }
    return -1
  }

  #add(start: number, end: number, isEscaped: number): void {
    const at = this.count++
    if (at >= this.#width) return
    this.starts[at] = start
    this.ends[at] = end
    this.escaped[at] = isEscaped
  }

  /** @param lineFeed the place of the one that ends the row, or `limit` */
  #finish(isLoneCr: boolean, end: number, lineFeed: number, limit: number): RowState {
    this.end = end
    this.next = Math.min(lineFeed + 1, limit)
    if (isLoneCr) this.problem = LONE_CR
    return isLoneCr ? 'broken' : 'complete'
  }

  #break(bytes: Uint8Array, from: number, to: number, isEnd: boolean, problem: string): RowState {
    const isCut = to > from + this.#maxBytes
    // What the bytes at hand do not show, those that follow may; but no more than `maxBytes` are waited for.
    if (!isCut && !isEnd && problem !== this.#behindQuote()) return 'open'
    const found = bytes.indexOf(LF, from)
    const lineFeed = found < to ? found : -1
    this.problem = problem
    if (lineFeed < 0 && !isEnd) return isCut ? 'too-long' : 'open'
    this.lines = 1
    this.end = lineFeed < 0 ? to : lineFeed
    this.next = lineFeed < 0 ? to : lineFeed + 1
    while (this.end > from && bytes[this.end - 1] === CR) this.end--
    return 'broken'
  }

  #behindQuote(): string {
    return `expected a ${this.#separator.called} or the end of the line after a quoted cell`
  }

  #tooLong(): string {
    return tooLong(this.#maxBytes)
  }
}

function pastCr(bytes: Uint8Array, from: number, limit: number): number {
  let p = from
  while (p < limit && bytes[p] === CR) p++
  return p
}

export const tooLong = (maxBytes: number): string => `expected a row of at most ${maxBytes} bytes, got more`

const UNCLOSED = 'expected a quote at the end of a quoted cell, got none'
export const LONE_CR = String.raw`expected lines that end with \n or \r\n, got \r alone`
