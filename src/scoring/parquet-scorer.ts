/**
 * Rows of a Parquet file → lines of CSV or NDJSON with all its columns and the predictions; and what is wrong with the other rows.
 */
import { ByteWriter, ParquetFile, ParquetRows } from '../formats/index.ts'
import { Fault } from '../inputs/index.ts'
import type { OutputFormat } from './layout.ts'
import type { Fault as FaultyRow, Piece, Scored, Scorer } from './piece.ts'
import type { Predictor } from './predictor.ts'
import { openRandomFile } from './random-file.ts'
import type { ToldColumns } from './told-columns.ts'

export class ParquetScorer implements Scorer {
  readonly #predictor: Predictor
  readonly #output: OutputFormat
  readonly #told: ToldColumns
  readonly #toldCells: string
  readonly #bytes: ReturnType<typeof openRandomFile>
  readonly #opened: Promise<{ readonly file: ParquetFile; readonly rows: ParquetRows }>

  constructor(path: string, output: OutputFormat, predictor: Predictor, told: ToldColumns) {
    this.#predictor = predictor
    this.#output = output
    this.#told = told
    this.#toldCells = told.cells(',')
    this.#bytes = openRandomFile(path)
    this.#opened = this.#bytes
      .then((bytes) => ParquetFile.open(bytes))
      .then((file) => ({ file, rows: new ParquetRows(told.inFile, file) }))
  }

  async score(piece: Piece, spare: ArrayBuffer | null): Promise<Scored> {
    if (piece.kind !== 'rows') throw new TypeError(`expected rows of a Parquet file, got ${piece.kind}`)
    const { file, rows } = await this.#opened
    const stored = await file.read(piece.start, piece.end)
    const out = new ByteWriter(spare)
    const faults: FaultyRow[] = []
    for (const [line, each] of stored.entries()) {
      const row = rows.read(each)
      const error = row instanceof Fault ? row.message : this.#predictor.predict(this.#told.complete(row))
      if (error !== null) faults.push({ line, error, row: rows.show(each) })
      else if (this.#output === 'csv') rows.writeCsv(out, each, this.#predictor.cells(), this.#toldCells)
      else rows.writeNdjson(out, each, this.#told.members + this.#predictor.members())
    }
    return {
      output: out.take(),
      predicted: stored.length - faults.length,
      faults,
      unknown: this.#predictor.takeUnknown(),
      lines: stored.length,
      spares: [],
    }
  }

  async close(): Promise<void> {
    await (await this.#bytes).close()
  }
}
