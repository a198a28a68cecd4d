/**
 * Bytes of a CSV file → where the cells of the next row are, by RFC 4180: cells between commas; rows that end with \n or \r\n; in a
 * cell that begins with a quote everything up to the next single quote. A quote inside another cell is a character like any other.
 *
 * A row whose quotes do not close as they should is broken. It ends with its first line, so that one forgotten quote costs one line
 * and not the rest of the file. The thread that cuts the file and those that read its pieces come here, and so agree about every row.
 */
export const COMMA = 44
export const QUOTE = 34
export const LF = 10
const CR = 13

/** Of a row in bytes; there has to be an end to what is kept of one. */
export const MAX_ROW_BYTES = 1 << 20

export type RowState =
  /** Its cells are known. */
  | 'complete'
  /** `problem` says why there are none. */
  | 'broken'
  /** More bytes are needed to say. */
  | 'open'
  /** It is longer than MAX_ROW_BYTES, and its line does not end in the bytes at hand. */
  | 'too-long'

export class CsvRow {
  /** Where cells begin and end, without their quotes. */
  readonly starts: Int32Array
  readonly ends: Int32Array
  /** 1 where a cell has doubled quotes. */
  readonly escaped: Uint8Array
  /** How many cells there are; those behind the `width`th have no place above. */
  count = 0
  /** Whether a line may end inside it. */
  isQuoted = false
  /** Where it ends, without the end of its line, and where the next one begins. */
  end = 0
  next = 0
  problem = ''
  readonly #width: number
  readonly #maxBytes: number

  constructor(width: number, maxBytes = MAX_ROW_BYTES) {
    this.#width = width
    this.#maxBytes = maxBytes
    this.starts = new Int32Array(width)
    this.ends = new Int32Array(width)
    this.escaped = new Uint8Array(width)
  }

  /** @param isEnd whether nothing follows behind `to` */
  read(bytes: Uint8Array, from: number, to: number, isEnd: boolean): RowState {
    const isCut = to > from + this.#maxBytes
    const limit = isCut ? from + this.#maxBytes : to
    this.count = 0
    this.isQuoted = false
    for (let p = from; ; p++) {
      const cell = p
      if (p < limit && bytes[p] === QUOTE) {
        this.isQuoted = true
        let isEscaped = 0
        for (p++; p < limit; p++) {
          if (bytes[p] !== QUOTE) continue
          if (p + 1 === limit || bytes[p + 1] !== QUOTE) break
          isEscaped = 1
          p++
        }
        if (p >= limit) return this.#break(bytes, from, to, isCut, isEnd, UNCLOSED)
        this.#add(cell + 1, p, isEscaped)
        p++
        // The quote may be the first of two, and a \r the first half of an end.
        if (p + 1 >= limit && !isEnd && !isCut) return 'open'
        if (p < limit && bytes[p] === CR && (p + 1 < limit ? bytes[p + 1] === LF : isEnd)) p++
        if (p < limit && bytes[p] !== COMMA && bytes[p] !== LF)
          return this.#break(bytes, from, to, isCut, isEnd, BEHIND_QUOTE)
      } else {
        while (p < limit && bytes[p] !== COMMA && bytes[p] !== LF) p++
        const isLast = p >= limit || bytes[p] === LF
        this.#add(cell, isLast && p > cell && bytes[p - 1] === CR ? p - 1 : p, 0)
      }
      if (p < limit && bytes[p] === COMMA) continue
      if (p >= limit && (isCut || !isEnd)) return this.#break(bytes, from, to, isCut, isEnd, TOO_LONG)
      this.end = p > from && bytes[p - 1] === CR ? p - 1 : p
      this.next = Math.min(p + 1, limit)
      return 'complete'
    }
  }

  #add(start: number, end: number, isEscaped: number): void {
    const at = this.count++
    if (at >= this.#width) return
    this.starts[at] = start
    this.ends[at] = end
    this.escaped[at] = isEscaped
  }

  #break(
    bytes: Uint8Array,
    from: number,
    to: number,
    isCut: boolean,
    isEnd: boolean,
    problem: string,
  ): RowState {
    // What the bytes at hand do not show, those that follow may; but no more than MAX_ROW_BYTES are waited for.
    if (!isCut && !isEnd && problem !== BEHIND_QUOTE) return 'open'
    const end = lineEnd(bytes, from, to)
    if (end < 0 && !isEnd) return isCut ? 'too-long' : 'open'
    this.problem = problem
    this.end = end < 0 ? to : end
    this.next = end < 0 ? to : end + 1
    return 'broken'
  }
}

/** @returns −1 if there is no end of a line */
function lineEnd(bytes: Uint8Array, from: number, to: number): number {
  const end = bytes.indexOf(LF, from)
  return end < to ? end : -1
}

const UNCLOSED = 'expected a quote that closes the one that opens a cell'
const BEHIND_QUOTE = 'expected a comma or the end of the line behind the quote that closes a cell'
const TOO_LONG = `expected a row of at most ${MAX_ROW_BYTES} bytes`
