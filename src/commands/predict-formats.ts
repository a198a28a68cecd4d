/**
 * The names of the files that `predict` is given → in which formats it reads and writes.
 */
import { basename } from 'node:path'
import { FORMATS, formatOfName, type NamedFormat } from '../formats/index.ts'
import type { OutputFormat } from '../scoring/index.ts'
import { meant, UsageError } from './usage.ts'

/** In place of a file's name. */
const STDIN = '-'

/** @param named by the option */
export function formatOf(input: string, named: string | undefined): NamedFormat {
  const byName = input === STDIN ? null : formatOfName(basename(input))
  if (named !== undefined) {
    const format = FORMATS.find((each) => each === named)
    if (!format)
      throw new UsageError(
        `predict: expected --format to be ${FORMATS.join(', ')}, got "${named}"${meant(named, FORMATS)}`,
      )
    const compression = byName && 'format' in byName ? byName.compression : compressionOf(input)
    return { format, compression: format === 'parquet' ? null : compression }
  }
  if (byName && 'format' in byName) return byName
  if (byName) throw new UsageError(`predict: ${input} is ${byName.refused}`)
  throw new UsageError(
    `predict: expected a file that ends with .csv, .tsv, .ndjson or .parquet, or --format, got ${input === STDIN ? 'standard input' : input}`,
  )
}

/** Of a file whose format its name does not tell. */
function compressionOf(input: string): NamedFormat['compression'] {
  if (/\.gz$/i.test(input)) return 'gzip'
  return /\.zst$/i.test(input) ? 'zstd' : null
}

export function outputFormat({ format }: NamedFormat, out: string | null): OutputFormat {
  const plain = format === 'parquet' ? 'csv' : format
  const named = out === null ? null : formatOfName(basename(out))
  if (named === null || 'refused' in named) return plain
  if (named.compression)
    throw new UsageError(
      `predict: expected --out without .gz and .zst, since it is not compressed, got ${out}`,
    )
  if (named.format === plain) return plain
  if (format === 'parquet' && named.format === 'ndjson') return named.format
  const expected = format === 'parquet' ? '.csv or .ndjson' : `.${plain}, as the input does`
  throw new UsageError(`predict: expected --out to end with ${expected}, got ${out}`)
}
