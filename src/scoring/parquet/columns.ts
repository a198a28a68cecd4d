/**
 * The columns of a Parquet file → its layout. Refuses a file without a required field, one whose field has a type that its kind is not read
 * from, and one with a column that is to be added.
 */
import type { Field, InputSchema, Kind } from '../../inputs/index.ts'
import { InputError, type OutputFormat, type ParquetLayout } from '../layout.ts'
import type { ParquetColumn, ParquetFile } from './file.ts'

/** @param added the names that the output has more */
export function parquetLayout(
  { columns }: ParquetFile,
  path: string,
  output: OutputFormat,
  { fields }: InputSchema,
  added: readonly string[],
): ParquetLayout {
  const names = columns.map(({ name }) => name)
  const required = fields.filter((field) => field.required).map(({ column }) => column)
  const missing = required.filter((column) => !names.includes(column))
  if (missing.length > 0)
    throw new InputError(
      `expected the columns ${required.join(', ')}; missing ${missing.join(', ')}, got ${names.join(', ')}`,
    )
  for (const field of fields) {
    const column = columns[names.indexOf(field.column)]
    if (column) expectType(field, column)
  }
  const there = added.filter((name) => names.includes(name))
  if (there.length > 0)
    throw new InputError(
      `expected no column ${there.join(', ')}: it is what is added. Rename it, or leave it out`,
    )
  return { format: 'parquet', path, columns: names, output }
}

const INTEGERS = ['INT32', 'INT64']
const NUMBERS = [...INTEGERS, 'FLOAT', 'DOUBLE']
/** What stands for a number or a text in another way than by itself. */
const OTHER_MEANINGS = /^(DATE|TIME|TIMESTAMP|INTERVAL|DECIMAL|JSON|BSON|UUID)/
const TIMES = /^(DATE$|TIMESTAMP)/

type Type = string | undefined

const isText = (type: Type, meaning: string): boolean =>
  type === 'BYTE_ARRAY' && !OTHER_MEANINGS.test(meaning)
const isOneOf = (types: readonly string[], type: Type, meaning: string): boolean =>
  types.includes(type ?? '') && !OTHER_MEANINGS.test(meaning)

interface Rule {
  readonly expected: string
  readonly accepts: (type: Type, meaning: string) => boolean
}

/** What a kind is read from. */
const RULES: Readonly<Record<Kind, Rule>> = {
  text: { expected: 'texts', accepts: isText },
  number: {
    expected: 'numbers',
    accepts: (type, meaning) => meaning === 'DECIMAL' || isOneOf(NUMBERS, type, meaning),
  },
  boolean: {
    expected: 'true and false',
    accepts: (type, meaning) =>
      type === 'BOOLEAN' || isOneOf(INTEGERS, type, meaning) || isText(type, meaning),
  },
  time: {
    expected: 'times',
    accepts: (type, meaning) =>
      TIMES.test(meaning) || type === 'INT96' || isOneOf(NUMBERS, type, meaning) || isText(type, meaning),
  },
}

function expectType({ column, kind }: Field, { element, isNested }: ParquetColumn): void {
  const { type, converted_type, logical_type } = element
  const meaning = logical_type?.type ?? converted_type ?? ''
  // A column of nulls alone, as pandas writes one, has no type of its own.
  if (!isNested && meaning === 'NULL') return
  const { expected, accepts } = RULES[kind]
  if (!isNested && accepts(type, meaning)) return
  const actual = isNested ? 'lists or structures' : [type, meaning].filter(Boolean).join(' ')
  throw new InputError(`column ${column}: expected ${expected}, got ${actual}`)
}
