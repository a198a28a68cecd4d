/**
 * How the rows of a file are laid out: what is found at its beginning, and is all that is needed to score its pieces.
 */
export type Format = 'csv' | 'ndjson' | 'parquet'
/** What can be written. */
export type OutputFormat = 'csv' | 'ndjson'

export type Layout = CsvLayout | NdjsonLayout | ParquetLayout

export interface CsvLayout {
  readonly format: 'csv'
  /** Cells of a row. */
  readonly width: number
  /** Which cell holds the value of which field, by the field's position; -1: none does. */
  readonly places: readonly number[]
}

export interface NdjsonLayout {
  readonly format: 'ndjson'
}

export interface ParquetLayout {
  readonly format: 'parquet'
  readonly path: string
  /** All of them, in the file's order. */
  readonly columns: readonly string[]
  readonly output: OutputFormat
}

/** What is wrong with the file as a whole: nothing of it can be scored. */
export class InputError extends Error {
  readonly code = 'INPUT_INVALID'
  override readonly name = 'InputError'
}
