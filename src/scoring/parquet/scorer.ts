/**
 * Rows of a Parquet file → lines of CSV or NDJSON with all its columns and the predictions; and what is wrong with the other rows.
 */
import { COUNT_FIELDS, countFault, type Install, TEXT_FIELDS, textFault } from '../../features/index.ts'
import { ByteWriter } from '../byte-writer.ts'
import { COMMA, LF } from '../csv/row.ts'
import { csvCell } from '../csv/cell.ts'
import type { ParquetLayout } from '../layout.ts'
import type { Fault, Piece, Scored, Scorer } from '../piece.ts'
import type { Predictor } from '../predictor.ts'
import { ParquetFile } from './file.ts'

const CLOSING_BRACE = 125

export class ParquetScorer implements Scorer {
  readonly #layout: ParquetLayout
  readonly #predictor: Predictor
  readonly #file: Promise<ParquetFile>
  readonly #install = {} as Install
  /** What stands before each value of a JSON object. */
  readonly #keys: readonly string[]
  readonly #places: ReadonlyMap<string, number>

  constructor(layout: ParquetLayout, predictor: Predictor) {
    this.#layout = layout
    this.#predictor = predictor
    this.#file = ParquetFile.open(layout.path)
    this.#keys = layout.columns.map((name, at) => `${at === 0 ? '{' : ','}${JSON.stringify(name)}:`)
    this.#places = new Map(layout.columns.map((name, at) => [name, at]))
  }

  async score(piece: Piece, spare: ArrayBuffer | null): Promise<Scored> {
    if (piece.kind !== 'rows') throw new TypeError(`expected rows of a Parquet file, got ${piece.kind}`)
    const rows = await (await this.#file).read(piece.start, piece.end)
    const out = new ByteWriter(spare)
    const faults: Fault[] = []
    for (const [line, row] of rows.entries()) {
      const fault = this.#readInstall(row) ?? this.#predictor.predict(this.#install)
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

  #readInstall(row: readonly unknown[]): string | null {
    for (const field of TEXT_FIELDS) {
      const value = row[this.#places.get(field)!] ?? null
      const fault = textFault(field, value)
      if (fault !== null) return fault
      this.#install[field] = value as string | null
    }
    for (const field of COUNT_FIELDS) {
      const value = countOf(row[this.#places.get(field)!])
      const fault = countFault(field, value)
      if (fault !== null) return fault
      this.#install[field] = value as number
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

/** Whole numbers come as BigInt; NaN is what tables have where there is no number. */
function countOf(value: unknown): unknown {
  const number = typeof value === 'bigint' ? Number(value) : value
  return number === undefined || Number.isNaN(number) ? null : number
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
