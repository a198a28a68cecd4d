/**
 * A piece of NDJSON → the same objects, byte by byte as they came, with their predictions as last members; and what is wrong with the
 * other lines. Members that are no fields of an install are kept, whatever they are.
 */
import { isUtf8 } from 'node:buffer'
import { describeValue, Fault, type InputSchema, rowFromObject } from '../inputs/index.ts'
import { ByteWriter } from './byte-writer.ts'
import { LF, MAX_ROW_BYTES } from './csv/row.ts'
import { type Fault as RowFault, type Piece, type Scored, type Scorer, shownRow } from './piece.ts'
import { ADDED_MEMBERS, type Predictor } from './predictor.ts'

const CLOSING_BRACE = 125

export class NdjsonScorer implements Scorer {
  readonly #predictor: Predictor
  readonly #inputs: InputSchema

  constructor(predictor: Predictor, inputs: InputSchema) {
    this.#predictor = predictor
    this.#inputs = inputs
  }

  score(piece: Piece, spare: ArrayBuffer | null): Scored {
    if (piece.kind !== 'bytes') throw new TypeError(`expected bytes of NDJSON, got ${piece.kind}`)
    const bytes = Buffer.from(piece.buffer, 0, piece.length)
    const isAllUtf8 = isUtf8(bytes)
    const out = new ByteWriter(spare)
    const faults: RowFault[] = []
    let [lines, predicted] = [0, 0]
    for (let from = 0; from < bytes.length; lines++) {
      const found = bytes.indexOf(LF, from)
      const end = found < 0 ? bytes.length : found
      const line = bytes.subarray(from, end)
      const text = isAllUtf8 || isUtf8(line) ? line.toString() : null
      if (text === null || text.trim() !== '') {
        const fault = text === null ? 'expected UTF-8, got other bytes' : this.#scoreLine(text, line, out)
        if (fault === null) predicted++
        else faults.push({ line: lines, error: fault, row: shownRow(bytes, from, end) })
      }
      from = end + 1
    }
    return { output: out.take(), predicted, faults, lines, spares: [piece.buffer] }
  }

  /** @returns what is wrong with it; nothing is written then */
  #scoreLine(text: string, line: Buffer, out: ByteWriter): string | null {
    if (line.length > MAX_ROW_BYTES) return `expected a row of at most ${MAX_ROW_BYTES} bytes`
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      return `expected JSON: ${(error as Error).message}`
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return `row: expected object, got ${describeValue(value)}`
    const row = rowFromObject(this.#inputs, value as Readonly<Record<string, unknown>>, { text: 'cell' })
    if (row instanceof Fault) return row.message
    const there = ADDED_MEMBERS.find((name) => Object.hasOwn(value, name))
    if (there !== undefined) return `${there}: expected not to be there: it is what is added`
    const missing = this.#predictor.predict(row)
    if (missing !== null) return missing
    out.copy(line, 0, line.lastIndexOf(CLOSING_BRACE))
    this.#predictor.writeMembers(out)
    out.byte(CLOSING_BRACE)
    out.byte(LF)
    return null
  }
}
