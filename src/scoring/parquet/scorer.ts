/**
 * Rows of a Parquet file → lines of CSV or NDJSON with all its columns and the predictions; and what is wrong with the other rows.
 */
import { Fault, type InputSchema, type Row, type Value, valueFromParquet } from '../../inputs/index.ts'
import { ByteWriter } from '../byte-writer.ts'
import { COMMA, LF } from '../csv/row.ts'
import { csvCell } from '../csv/cell.ts'
import type { ParquetLayout } from '../layout.ts'
import type { Fault as RowFault, Piece, Scored, Scorer } from '../piece.ts'
import type { Predictor } from '../predictor.ts'
import { OtherBytes, ParquetFile } from './file.ts'

const CLOSING_BRACE = 125

export class ParquetScorer implements Scorer {
  readonly #layout: ParquetLayout
  readonly #predictor: Predictor
  readonly #file: Promise<ParquetFile>
  readonly #fields: InputSchema['fields']
  readonly #values: Value[]
  /** What stands before each value of a JSON object. */
  readonly #keys: readonly string[]
  /** Of each field, in a row of the file; -1: it has none. */
  readonly #places: readonly number[]

  constructor(layout: ParquetLayout, predictor: Predictor, { fields }: InputSchema) {
    this.#layout = layout
    this.#predictor = predictor
    this.#file = ParquetFile.open(layout.path)
    this.#keys = layout.columns.map((name, at) => `${at === 0 ? '{' : ','}${JSON.stringify(name)}:`)
    this.#fields = fields
    this.#values = fields.map(() => null)
    this.#places = fields.map(({ column }) => layout.columns.indexOf(column))
  }

  async score(piece: Piece, spare: ArrayBuffer | null): Promise<Scored> {
    if (piece.kind !== 'rows') throw new TypeError(`expected rows of a Parquet file, got ${piece.kind}`)
    const rows = await (await this.#file).read(piece.start, piece.end)
    const out = new ByteWriter(spare)
    const faults: RowFault[] = []
    for (const [line, row] of rows.entries()) {
      const fault = this.#readRow(row) ?? this.#predictor.predict(this.#values as Row)
      if (fault === null) this.#writeRow(row, out)
      else faults.push({ line, error: fault, row: row.map((value) => csvCell(textOf(value))).join() })
    }
    return {
      output: out.take(),
      predicted: rows.length - faults.length,
      faults,
      lines: rows.length,
      spares: [],
    }
  }

  /** Into `#values`. @returns what is wrong */
  #readRow(row: readonly unknown[]): string | null {
    for (let i = 0; i < this.#places.length; i++) {
      const place = this.#places[i]!
      if (place < 0) continue
      const field = this.#fields[i]!
      if (row[place] instanceof OtherBytes) return `${field.name}: expected UTF-8, got other bytes`
      const value = valueFromParquet(field, row[place])
      if (value instanceof Fault) return value.message
      this.#values[i] = value
    }
    return null
  }

  #writeRow(row: readonly unknown[], out: ByteWriter): void {
    if (this.#layout.output === 'csv') {
      for (let i = 0; i < row.length; i++) {
        if (i > 0) out.byte(COMMA)
        out.utf8(csvCell(textOf(row[i])))
      }
      this.#predictor.writeCells(out)
    } else {
      for (let i = 0; i < row.length; i++) {
        out.utf8(this.#keys[i]!)
        out.utf8(jsonOf(row[i]))
      }
      this.#predictor.writeMembers(out)
      out.byte(CLOSING_BRACE)
    }
    out.byte(LF)
  }
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  if (typeof value === 'object') return value instanceof Date ? value.toISOString() : jsonOf(value)
  return String(value)
}

function jsonOf(value: unknown): string {
  if (typeof value === 'bigint') return String(value)
  const plain = (_: string, each: unknown): unknown => (typeof each === 'bigint' ? Number(each) : each)
  return JSON.stringify(value, plain) ?? 'null'
}
