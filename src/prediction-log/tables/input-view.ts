/**
 * An input schema → the view of its predictions: what every prediction has, and a typed column for each field, in SQL.
 */
import { type Field, type InputSchema, sqlTypeOf } from '../../inputs/index.ts'

/** As every prediction has them. */
const OWN_COLUMNS = [
  'prediction_id',
  'time',
  'user_id',
  'predicted_revenue',
  'raw_score',
  'inference_time_us',
  'model_name',
  'model_version',
  'variant',
  'shadow_version',
  'shadow_revenue',
] as const

/** PostgreSQL cuts off what is longer. */
const MAX_IDENTIFIER_BYTES = 63

export interface InputView {
  readonly name: string
  readonly statements: readonly string[]
}

export function viewOf({ id, fields }: InputSchema): InputView {
  const name = `predictions_of_${id}`
  const columns = columnNames(fields)
  const typed = fields.map(
    (field, at) =>
      `(inputs ->> ${literal(field.name)})::${sqlTypeOf(field.kind)} as ${identifier(columns[at]!)}`,
  )
  return {
    name,
    statements: [
      `create view ${identifier(name)} as select ${[...OWN_COLUMNS, ...typed].join(', ')}
       from predictions where schema_id = ${literal(id)}`,
      ...fields.flatMap((field, at) =>
        columns[at] === field.name
          ? []
          : [
              `comment on column ${identifier(name)}.${identifier(columns[at]!)} is ${literal(`the field ${JSON.stringify(field.name)}`)}`,
            ],
      ),
    ],
  }
}

/** Their names, as far as PostgreSQL takes them and no other column has them: then with a number, `time_2`. */
export function columnNames(fields: readonly Pick<Field, 'name'>[]): readonly string[] {
  const taken = new Set<string>(OWN_COLUMNS)
  // A field whose name fits keeps it, whatever comes before.
  const fitting = new Set(fields.map(({ name }) => name).filter((name) => !taken.has(name) && fits(name)))
  return fields.map(({ name }) => {
    if (fitting.has(name)) return name
    for (let number = 1; ; number++) {
      const suffix = number === 1 ? '' : `_${number}`
      const column = `${beginning(name, MAX_IDENTIFIER_BYTES - suffix.length)}${suffix}`
      if (taken.has(column) || fitting.has(column)) continue
      taken.add(column)
      return column
    }
  })
}

const fits = (name: string): boolean => Buffer.byteLength(name) <= MAX_IDENTIFIER_BYTES

/** As many whole characters as have room. */
function beginning(text: string, bytes: number): string {
  let end = ''
  let length = 0
  for (const character of text) {
    length += Buffer.byteLength(character)
    if (length > bytes) break
    end += character
  }
  return end
}

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`
