/**
 * The names of the files that `predict` is given → in which formats it reads and writes.
 */
import { basename } from 'node:path'
import { type Compression, FORMATS, formatOfName, type NamedFormat } from '../formats/index.ts'
import { compressionOfName, type OutputFormat } from '../scoring/index.ts'
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
    const compression = byName && 'format' in byName ? byName.compression : compressionOfName(input)
    return { format, compression: format === 'parquet' ? null : compression }
  }
  if (byName && 'format' in byName) return byName
  if (byName) throw new UsageError(`predict: ${input} is ${byName.refused}`)
  throw new UsageError(
    `predict: expected a file that ends with .csv, .tsv, .ndjson or .parquet, or --format, got ${input === STDIN ? 'standard input' : input}`,
  )
}

/** Of all parts; their compression is that of each. @throws UsageError where they differ */
export function formatsOf(
  parts: readonly { readonly path: string }[],
  named: string | undefined,
): NamedFormat[] {
  const formats = parts.map(({ path }) => formatOf(path, named))
  const other = formats.findIndex(({ format }) => format !== formats[0]!.format)
  if (other > 0)
    throw new UsageError(
      `predict: expected files of one format, got ${parts[0]!.path} and ${parts[other]!.path}`,
    )
  return formats
}

export interface WrittenFormat {
  readonly format: OutputFormat
  readonly compression: Compression | null
}

export function outputFormat({ format }: NamedFormat, out: string | null): WrittenFormat {
  const compression = out === null ? null : compressionOfName(out)
  return { format: plainFormat(format, out), compression }
}

function plainFormat(format: NamedFormat['format'], out: string | null): OutputFormat {
  const plain = format === 'parquet' ? 'csv' : format
  const named = out === null ? null : formatOfName(basename(out))
  if (named === null || 'refused' in named) return plain
  if (named.format === plain) return plain
  if (format === 'parquet' && named.format === 'ndjson') return named.format
  const expected = format === 'parquet' ? '.csv or .ndjson' : `.${plain}, as the input does`
  throw new UsageError(`predict: expected --out to end with ${expected}, got ${out}`)
}
