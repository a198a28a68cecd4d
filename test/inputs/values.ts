/**
 * The fixture of dirty values: fields, and what must come of each value. test/inputs/values/make.py writes it.
 */
import { readFileSync } from 'node:fs'
import { type Field, type InputSchema, parseInputSchema, type Value } from '../../src/inputs/index.ts'

export type Source = 'cell' | 'json' | 'ndjson' | 'parquet' | 'tensor'

export interface Expected {
  readonly field: Field
  readonly source: Source
  readonly came: unknown
  /** Undefined where there is a fault. */
  readonly value: Value | undefined
  readonly fault: string | undefined
  /** To be found again. */
  readonly line: string
}

const SOURCES: readonly Source[] = ['cell', 'json', 'ndjson', 'parquet', 'tensor']

export function readValues(): { schema: InputSchema; values: Expected[] } {
  const text = readFileSync('test/fixtures/inputs/values.ndjson', 'utf8')
  const [first, ...lines] = text.trimEnd().split('\n')
  const { fields } = JSON.parse(first!) as { fields: object[] }
  const schema = schemaOf(fields)
  const values = lines.map((line): Expected => {
    const document = JSON.parse(line) as Record<string, unknown> & Pick<Expected, 'value' | 'fault'>
    const source = SOURCES.find((each) => Object.hasOwn(document, each))!
    const field = schema.fields[schema.indexOf(document['field'] as string)]!
    const { value, fault } = document
    return { field, source, came: untagged(document[source]), value, fault, line }
  })
  return { schema, values }
}

export const schemaOf = (fields: readonly object[]): InputSchema =>
  parseInputSchema({ format: 'day7-inputs/1', fields, target: { name: 'revenue', horizonDays: 7 } })

/** Values that JSON cannot hold are objects with one key. */
const TAGS: Readonly<Record<string, (text: string) => unknown>> = {
  $number: Number,
  $int64: BigInt,
  // As hyparquet makes them.
  $decimal: (text) => Number(BigInt(text.replace('.', ''))) / 10 ** (text.split('.')[1]?.length ?? 0),
  $bytes: (text) => Buffer.from(text, 'hex'),
  $time: (text) => new Date(Number(text)),
}

function untagged(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(untagged)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  const [key, content] = entries[0] ?? []
  if (entries.length === 1 && Object.hasOwn(TAGS, key!)) return TAGS[key!]!(content as string)
  return Object.fromEntries(entries.map(([key, each]) => [key, untagged(each)]))
}
