/**
 * A piece of a CSV file → the same rows with their predictions, byte by byte as they came; and what is wrong with the others.
 */
import { isUtf8 } from 'node:buffer'
import type { InputSchema, Row, Value } from '../../inputs/index.ts'
import { ByteWriter } from '../byte-writer.ts'
import type { CsvLayout } from '../layout.ts'
import { type Fault, type Piece, type Scored, type Scorer, shownRow } from '../piece.ts'
import type { Predictor } from '../predictor.ts'
import { readDecimal } from './decimal.ts'
import { CsvRow, LF, QUOTE } from './row.ts'
import { ValueCells } from './value-cells.ts'

export class CsvScorer implements Scorer {
  readonly #layout: CsvLayout
  readonly #predictor: Predictor
  readonly #row: CsvRow
  readonly #fields: InputSchema['fields']
  readonly #cells: readonly ValueCells[]
  /** By the position of the field: whether its cells are decimal numbers and nothing else. */
  readonly #isDecimal: readonly boolean[]
  readonly #values: Value[]

  constructor(layout: CsvLayout, predictor: Predictor, { fields }: InputSchema) {
    this.#layout = layout
    this.#predictor = predictor
    this.#fields = fields
    this.#cells = fields.map((field) => new ValueCells(field))
    this.#isDecimal = fields.map(
      ({ kind, trim, missing }) => kind === 'number' && !trim && missing.length === 0,
    )
    this.#values = fields.map(() => null)
    this.#row = new CsvRow(layout.width)
  }

  score(piece: Piece, spare: ArrayBuffer | null): Scored {
    if (piece.kind !== 'bytes') throw new TypeError(`expected bytes of a CSV, got ${piece.kind}`)
    const bytes = new Uint8Array(piece.buffer, 0, piece.length)
    const isAllUtf8 = isUtf8(bytes)
    const out = new ByteWriter(spare)
    const faults: Fault[] = []
    const row = this.#row
    let lines = 0
    let predicted = 0
    for (let from = 0; from < bytes.length; from = row.next) {
      const isBroken = row.read(bytes, from, bytes.length, true) !== 'complete'
      if (isBroken || row.end > from) {
        let fault = isBroken ? row.problem : null
        if (!isAllUtf8 && !isUtf8(bytes.subarray(from, row.end))) fault ??= NOT_UTF8
        fault ??= this.#scoreRow(bytes, from, out)
        if (fault === null) predicted++
        else faults.push({ line: lines, error: fault, row: shownRow(bytes, from, row.end) })
      }
      lines += !isBroken && row.isQuoted ? linesOf(bytes, from, row.end) : 1
    }
    return { output: out.take(), predicted, faults, lines, spares: [piece.buffer] }
  }

  /** @returns what is wrong with it; nothing is written then */
  #scoreRow(bytes: Uint8Array, from: number, out: ByteWriter): string | null {
    const row = this.#row
    const { width } = this.#layout
    if (row.count !== width) return `expected ${width} cells as in the header, got ${row.count}`
    const fault = this.#readRow(bytes) ?? this.#predictor.predict(this.#values as Row)
    if (fault !== null) return fault
    out.copy(bytes, from, row.end)
    this.#predictor.writeCells(out)
    if (row.next > row.end) out.copy(bytes, row.end, row.next)
    else out.byte(LF)
    return null
  }

  /** Into `#values`. @returns what is wrong */
  #readRow(bytes: Uint8Array): string | null {
    const { places } = this.#layout
    const { starts, ends, escaped } = this.#row
    for (let i = 0; i < places.length; i++) {
      const cell = places[i]!
      if (cell < 0) continue
      const [start, end] = [starts[cell]!, ends[cell]!]
      if (this.#isDecimal[i] && start !== end) {
        const { minimum, maximum } = this.#fields[i]!
        const number = readDecimal(bytes, start, end)
        if (number >= minimum && number <= maximum) {
          this.#values[i] = number
          continue
        }
      }
      const cells = this.#cells[i]!
      if (escaped[cell]) {
        const plain = withoutDoubledQuotes(bytes.subarray(start, end))
        this.#values[i] = cells.read(plain, 0, plain.length)
      } else this.#values[i] = cells.read(bytes, start, end)
      if (cells.fault !== null) return cells.fault
    }
    return null
  }
}

const NOT_UTF8 = 'expected UTF-8, got other bytes'

function withoutDoubledQuotes(cell: Uint8Array): Uint8Array {
  const plain = new Uint8Array(cell.length)
  let length = 0
  for (let i = 0; i < cell.length; i++) {
    plain[length++] = cell[i]!
    if (cell[i] === QUOTE) i++
  }
  return plain.subarray(0, length)
}

/** How many lines a row takes. */
function linesOf(bytes: Uint8Array, from: number, to: number): number {
  let lines = 1
  for (let i = from; i < to; i++) if (bytes[i] === LF) lines++
  return lines
}
