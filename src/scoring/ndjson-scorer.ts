/**
 * A piece of NDJSON → the same objects, byte by byte as they came, with their predictions as last members; and what is wrong with the
 * other lines. Members that are no fields of an install are kept, whatever they are.
 */
import { ByteWriter, NdjsonRows, writeWidenedObject } from '../formats/index.ts'
import { type Fault, type Piece, type Scored, type Scorer, shownRow } from './piece.ts'
import { ADDED_MEMBERS, type Predictor } from './predictor.ts'
import type { ToldColumns } from './told-columns.ts'

export class NdjsonScorer implements Scorer {
  readonly #predictor: Predictor
  readonly #told: ToldColumns
  readonly #rows: NdjsonRows

  constructor(predictor: Predictor, told: ToldColumns, names: readonly string[]) {
    this.#predictor = predictor
    this.#told = told
    const added = [...names, ...ADDED_MEMBERS]
    this.#rows = new NdjsonRows(told.inFile, { naming: 'columns', others: 'kept', added })
  }

  score(piece: Piece, spare: ArrayBuffer | null): Scored {
    if (piece.kind !== 'bytes') throw new TypeError(`expected bytes of NDJSON, got ${piece.kind}`)
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
        const line = bytes.subarray(rows.from, rows.end)
        writeWidenedObject(out, line, rows.isEmpty, this.#told.members + this.#predictor.members())
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
