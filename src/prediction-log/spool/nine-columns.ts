/**
 * Lines as they were before inputs were kept as JSON → lines of today. They had one column for each of nine fields, whatever the schema
 * of the model, and nulls where it had no such field. Processes that ended before the change may have left some.
 */
import { NINE_FIELDS } from '../../inputs/index.ts'
import { jsonFieldOf, NULL } from './line.ts'

/** Columns before the inputs: checksum, prediction_id, time, user_id. */
const BEFORE = 4
const COLUMNS = BEFORE + NINE_FIELDS.fields.length + 6
const SHADOW_NULLS = [NULL, NULL] as const
const UNESCAPED: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', '\\': '\\' }

/** @param lines whole ones, some at a time; their checksums are of no use any more */
export async function* rewriteNineColumns(lines: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const some of lines)
    yield Buffer.from(
      some
        .toString()
        .split('\n')
        .map((line) => (line === '' ? '' : rewritten(line)))
        .join('\n'),
    )
}

function rewritten(line: string): string {
  const columns = line.split('\t')
  // What has other columns is left to the database to refuse.
  if (columns.length !== COLUMNS) return line
  const after = columns.slice(BEFORE + NINE_FIELDS.fields.length)
  const inputs = after.at(-1) === 'shadow' ? SHADOW_NULLS : [NINE_FIELDS.id, jsonFieldOf(valuesIn(columns))]
  return [...columns.slice(0, BEFORE), ...inputs, ...after].join('\t')
}

const valuesIn = (columns: readonly string[]): object =>
  Object.fromEntries(
    NINE_FIELDS.fields.map(({ name, kind }, at) => {
      const column = columns[BEFORE + at]!
      if (column === NULL) return [name, null]
      return [name, kind === 'number' ? Number(column) : unescaped(column)]
    }),
  )

const unescaped = (column: string): string =>
  column.replaceAll(/\\([tnr\\])/g, (_, escape: string) => UNESCAPED[escape]!)
