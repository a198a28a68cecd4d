/**
 * A piece of a CSV file → the same rows with their predictions, byte by byte as they came; and what is wrong with the others.
 */
import { isUtf8 } from 'node:buffer'
import {
  COUNT_FIELDS,
  countFault,
  type CountField,
  type Install,
  MAX_COUNT,
  TEXT_FIELDS,
} from '../../features/index.ts'
import { ByteWriter } from '../byte-writer.ts'
import type { CsvLayout } from '../layout.ts'
import { type Fault, type Piece, type Scored, type Scorer, shownRow } from '../piece.ts'
import type { Predictor } from '../predictor.ts'
import { readDecimal } from './decimal.ts'
import { CsvRow, LF, QUOTE } from './row.ts'
import { TextCells } from './text-cells.ts'

export class CsvScorer implements Scorer {
  readonly #layout: CsvLayout
  readonly #predictor: Predictor
  readonly #row: CsvRow
  readonly #texts = TEXT_FIELDS.map((field) => new TextCells(field))
  readonly #install = {} as Install

  constructor(layout: CsvLayout, predictor: Predictor) {
    this.#layout = layout
    this.#predictor = predictor
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
    const fault = this.#readInstall(bytes) ?? this.#predictor.predict(this.#install)
    if (fault !== null) return fault
    out.copy(bytes, from, row.end)
    this.#predictor.writeCells(out)
    if (row.next > row.end) out.copy(bytes, row.end, row.next)
    else out.byte(LF)
    return null
  }

  #readInstall(bytes: Uint8Array): string | null {
    const { places } = this.#layout
    const { starts, ends, escaped } = this.#row
    const install = this.#install
    for (let i = 0; i < TEXT_FIELDS.length; i++) {
      const field = TEXT_FIELDS[i]!
      const cell = places[field]
      const texts = this.#texts[i]!
      if (escaped[cell]) {
        const plain = withoutDoubledQuotes(bytes.subarray(starts[cell], ends[cell]))
        install[field] = texts.read(plain, 0, plain.length)
      } else install[field] = texts.read(bytes, starts[cell]!, ends[cell]!)
      if (texts.fault !== null) return texts.fault
    }
    for (let i = 0; i < COUNT_FIELDS.length; i++) {
      const field = COUNT_FIELDS[i]!
      const cell = places[field]
      const [start, end] = [starts[cell]!, ends[cell]!]
      const count = start === end ? null : readDecimal(bytes, start, end)
      if (count === null || !(count >= 0 && count <= MAX_COUNT)) {
        const fault =
          count === null ? emptyFault(field) : decimalFault(field, count, bytes.subarray(start, end))
        if (fault !== null) return fault
      }
      install[field] = count as number
    }
    return null
  }
}

const NOT_UTF8 = 'expected UTF-8, got other bytes'

function emptyFault(field: CountField): string | null {
  return countFault(field, null) && `${field}: expected number, got an empty cell`
}

function decimalFault(field: CountField, count: number, cell: Uint8Array): string | null {
  return countFault(field, Number.isNaN(count) ? shownRow(cell, 0, cell.length) : count)
}

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
