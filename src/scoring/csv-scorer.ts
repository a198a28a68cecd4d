/**
 * A piece of a CSV file → the same rows with their predictions, byte by byte as they came; and what is wrong with the others.
 */
import { ByteWriter, type CsvLayout, CsvRows, writeWidenedRow } from '../formats/index.ts'
import { type Fault, type Piece, type Scored, type Scorer, shownRow } from './piece.ts'
import type { Predictor } from './predictor.ts'
import type { ToldColumns } from './told-columns.ts'

export class CsvScorer implements Scorer {
  readonly #layout: CsvLayout
  readonly #predictor: Predictor
  readonly #told: ToldColumns
  readonly #toldCells: string
  readonly #rows: CsvRows

  constructor(layout: CsvLayout, predictor: Predictor, told: ToldColumns) {
    this.#layout = layout
    this.#predictor = predictor
    this.#told = told
    this.#toldCells = told.cells(layout.separator.text)
    this.#rows = new CsvRows(told.inFile, layout)
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
      const fault = rows.fault?.message ?? this.#predictor.predict(this.#told.complete(rows.values))
      if (fault === null) {
        predicted++
        writeWidenedRow(out, bytes, rows, this.#layout.separator, this.#predictor.cells(), this.#toldCells)
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
