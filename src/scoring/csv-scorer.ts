/**
 * A piece of a CSV file → the same rows with their predictions, byte by byte as they came; and what is wrong with the others.
 */
import { ByteWriter, type CsvLayout, CsvRows, writeWidenedRow } from '../formats/index.ts'
import type { InputSchema } from '../inputs/index.ts'
import { type Fault, type Piece, type Scored, type Scorer, shownRow } from './piece.ts'
import type { Predictor } from './predictor.ts'

export class CsvScorer implements Scorer {
  readonly #layout: CsvLayout
  readonly #predictor: Predictor
  readonly #rows: CsvRows

  constructor(layout: CsvLayout, predictor: Predictor, inputs: InputSchema) {
    this.#layout = layout
    this.#predictor = predictor
    this.#rows = new CsvRows(inputs, layout)
  }

  score(piece: Piece, spare: ArrayBuffer | null): Scored {
    if (piece.kind !== 'bytes') throw new TypeError(`expected bytes of a CSV, got ${piece.kind}`)
    const bytes = new Uint8Array(piece.buffer, 0, piece.length)
    const out = new ByteWriter(spare)
    const faults: Fault[] = []
    const rows = this.#rows
    let predicted = 0
    rows.begin(bytes)
    while (rows.advance()) {
      const fault = rows.fault ? rows.fault.message : this.#predictor.predict(rows.values)
      if (fault === null) {
        predicted++
        writeWidenedRow(out, bytes, rows, this.#layout.separator, this.#predictor.cells())
      } else faults.push({ line: rows.line, error: fault, row: shownRow(bytes, rows.from, rows.end) })
    }
    return {
      output: out.take(),
      predicted,
      faults,
      unknown: this.#predictor.takeUnknown(),
      lines: rows.lines,
      spares: [piece.buffer],
    }
  }
}
