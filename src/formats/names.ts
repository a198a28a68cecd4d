/**
 * The ending of a file's name → how it is read.
 */
import type { Compression } from './compression.ts'

export type Format = 'csv' | 'ndjson' | 'parquet'

export const FORMATS: readonly Format[] = ['csv', 'ndjson', 'parquet']

export interface NamedFormat {
  readonly format: Format
  /** Null: it is not compressed as a whole. */
  readonly compression: Compression | null
}

const ENDINGS: Readonly<Record<string, Format>> = {
  csv: 'csv',
  tsv: 'csv',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  parquet: 'parquet',
}

const COMPRESSIONS: Readonly<Record<string, Compression>> = { gz: 'gzip', zst: 'zstd' }

/** What only their first bytes would tell otherwise, and cannot be read. */
const REFUSED: Readonly<Record<string, string>> = {
  xlsx: 'an Excel workbook: save the sheet as CSV (UTF-8)',
  xls: 'an old Excel workbook: save the sheet as CSV (UTF-8)',
  zip: 'a zip archive: unpack it first',
}

/** @returns null where the name does not tell; or why a file of this name is refused */
export function formatOfName(name: string): NamedFormat | { readonly refused: string } | null {
  const endings = name.toLowerCase().split('.').slice(1)
  const compression = COMPRESSIONS[endings.at(-1) ?? ''] ?? null
  const ending = endings.at(compression ? -2 : -1) ?? ''
  if (!compression && Object.hasOwn(REFUSED, ending)) return { refused: REFUSED[ending]! }
  const format = Object.hasOwn(ENDINGS, ending) ? ENDINGS[ending]! : null
  if (format === null) return null
  if (compression && format === 'parquet')
    return { refused: 'a compressed Parquet file, which is compressed inside already: decompress it first' }
  return { format, compression }
}
