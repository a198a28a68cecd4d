/**
 * How the rows of a file are laid out: what is found at its beginning, and is all that is needed to score its pieces.
 */
import type { CsvLayout } from '../formats/index.ts'
import type { ToldColumn } from './told-columns.ts'

/** What can be written. */
export type OutputFormat = 'csv' | 'ndjson'

export type Layout = { readonly told: readonly ToldColumn[] } & (
  | { readonly format: 'csv'; readonly csv: CsvLayout }
  | { readonly format: 'ndjson' }
  | { readonly format: 'parquet'; readonly path: string; readonly output: OutputFormat }
)
