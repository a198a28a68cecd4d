/**
 * The feature plan: `features.json` and the input schema that it reads → a function that turns a row of inputs into the model's doubles.
 *
 * Preprocessing is data here, fitted by Python and only applied by TypeScript; docs/bundle.md has its rules. A plan that is
 * not understood to the last key, or reads a field that the schema lacks, is refused with a FeaturePlanError.
 */
import type { InputSchema, Row } from '../inputs/index.ts'
import { FeaturePlanError } from './errors.ts'
import { inputsOfColumns } from './inputs.ts'
import { type OffsetShares, offsetSharing } from './offset-shares.ts'
import { type Column, compileColumn, VOCABULARIES } from './operators.ts'
import { TextColumns } from './text-columns.ts'

export interface FeaturePlan {
  /** The model's columns, in the model's order. */
  readonly features: readonly string[]
  /** The column that is added to the raw score, if the plan has one. */
  readonly offset: string | null
  /**
   * Writes the row's features (one double a feature; NaN is missing).
   * @param row a row of the schema that the plan was compiled against
   * @returns the offset to add to the raw score; 0 where the plan has none
   */
  encode(row: Row, features: Float64Array): number
  /** The names of the input fields that a column is made from: at least one, in the schema's order. */
  readonly inputs: ReadonlyMap<string, readonly string[]>
  /** How much each input field has to do with the offset; null where the plan has none. */
  shareOffset(row: Row): OffsetShares | null
}

/**
 * @param document the parsed `features.json`
 * @param schema the fields that it may read
 * @throws FeaturePlanError that names the place, what was expected and what came
 */
export function parseFeaturePlan(document: unknown, schema: InputSchema): FeaturePlan {
  const { format, columns, features, offset } = asObject(document, 'the document')
  const vocabulary = VOCABULARIES.get(format)
  if (!vocabulary)
    throw new FeaturePlanError(
      'format',
      [...VOCABULARIES.keys()].map((each) => JSON.stringify(each)).join(' or '),
      format,
    )
  if (!Array.isArray(columns)) throw new FeaturePlanError('columns', 'a list', columns)
  if (!Array.isArray(features) || features.length === 0)
    throw new FeaturePlanError('features', 'a list of column names', features)

  const indexes = new Map<string, number>()
  const compiled = columns.map((column, at): Column => {
    const path = `columns[${at}]`
    const spec = asObject(column, path)
    const name = spec['name']
    if (typeof name !== 'string' || name === '') throw new FeaturePlanError(`${path}.name`, 'a name', name)
    if (indexes.has(name)) throw new FeaturePlanError(`${path}.name`, 'a name used once', name)
    const compiled = compileColumn({ spec, path, earlier: indexes, schema, vocabulary })
    indexes.set(name, at)
    return compiled
  })
  const indexOf = (name: unknown, path: string): number => {
    const index = typeof name === 'string' ? indexes.get(name) : undefined
    if (index === undefined) throw new FeaturePlanError(path, 'the name of a column', name)
    return index
  }
  const picks = Int32Array.from(features, (name, at) => indexOf(name, `features[${at}]`))
  if (new Set(picks).size !== picks.length)
    throw new FeaturePlanError('features', 'names used once', features)
  const offsetAt = offset === null ? -1 : indexOf(offset, 'offset')
  const cells = new Float64Array(compiled.length)
  const inputs = inputsOfColumns(compiled)
  const { texts, rest } = byText(compiled, inputs, schema)
  const share = offsetAt < 0 ? null : offsetSharing(compiled, offsetAt, inputs[offsetAt]!, schema)

  return {
    features: Object.freeze([...(features as string[])]),
    offset: offset as string | null,
    encode(row, features) {
      for (let i = 0; i < texts.length; i++) texts[i]!.fill(row, cells)
      for (let i = 0; i < rest.length; i++) cells[rest[i]!] = compiled[rest[i]!]!.cell(row, cells)
      for (let i = 0; i < picks.length; i++) features[i] = cells[picks[i]!]!
      return offsetAt < 0 ? 0 : cells[offsetAt]!
    },
    inputs: new Map(
      [...indexes].map(([name, at]) => [name, inputs[at]!.map((field) => schema.fields[field]!.name)]),
    ),
    shareOffset: (row) => share && share(row),
  }
}

/** The columns that one text decides, and the indexes of the others in their order; none of the first reads one of the second. */
function byText(
  columns: readonly Column[],
  inputs: readonly (readonly number[])[],
  { fields }: InputSchema,
): { readonly texts: readonly TextColumns[]; readonly rest: readonly number[] } {
  const rest: number[] = []
  const ofText = new Map<number, number[]>()
  for (const [at, [field, ...others]] of inputs.entries()) {
    if (others.length > 0 || fields[field!]!.kind !== 'text') rest.push(at)
    else if (ofText.has(field!)) ofText.get(field!)!.push(at)
    else ofText.set(field!, [at])
  }
  return { texts: [...ofText].map(([field, places]) => new TextColumns(field, places, columns)), rest }
}

function asObject(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new FeaturePlanError(path, 'an object', value)
  return value as Record<string, unknown>
}
