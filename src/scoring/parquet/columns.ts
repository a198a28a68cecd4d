/**
 * The columns of a Parquet file → its layout. Refuses a file without a field of an install, one whose field has another type than texts or
 * numbers, and one with a column that is to be added.
 */
import { COUNT_FIELDS, INSTALL_FIELDS, type InstallField } from '../../features/index.ts'
import { InputError, type OutputFormat, type ParquetLayout } from '../layout.ts'
import type { ParquetColumn, ParquetFile } from './file.ts'

/** @param added the names that the output has more */
export function parquetLayout(
  { columns }: ParquetFile,
  path: string,
  output: OutputFormat,
  added: readonly string[],
): ParquetLayout {
  const names = columns.map(({ name }) => name)
  const missing = INSTALL_FIELDS.filter((field) => !names.includes(field))
  if (missing.length > 0)
    throw new InputError(
      `expected the columns ${INSTALL_FIELDS.join(', ')}; missing ${missing.join(', ')}, got ${names.join(', ')}`,
    )
  for (const field of INSTALL_FIELDS) expectType(field, columns[names.indexOf(field)]!)
  const there = added.filter((name) => names.includes(name))
  if (there.length > 0)
    throw new InputError(
      `expected no column ${there.join(', ')}: it is what is added. Rename it, or leave it out`,
    )
  return { format: 'parquet', path, columns: names, output }
}

const NUMBERS: ReadonlySet<string | undefined> = new Set(['INT32', 'INT64', 'FLOAT', 'DOUBLE'])
/** What stands for a number or a text in another way than by itself. */
const OTHER_MEANINGS = /^(DATE|TIME|TIMESTAMP|INTERVAL|DECIMAL|JSON|BSON|UUID)/

function expectType(field: InstallField, { element, isNested }: ParquetColumn): void {
  const { type, converted_type, logical_type } = element
  const meaning = logical_type?.type ?? converted_type ?? ''
  // A column of nulls alone, as pandas writes one, has no type of its own.
  if (!isNested && meaning === 'NULL') return
  const isCount = COUNT_FIELDS.some((count) => count === field)
  const isRight = isCount
    ? meaning === 'DECIMAL' || (NUMBERS.has(type) && !OTHER_MEANINGS.test(meaning))
    : type === 'BYTE_ARRAY' && !OTHER_MEANINGS.test(meaning)
  if (isRight && !isNested) return
  const actual = isNested ? 'lists or structures' : [type, meaning].filter(Boolean).join(' ')
  throw new InputError(`column ${field}: expected ${isCount ? 'numbers' : 'texts'}, got ${actual}`)
}
