/**
 * The feature plan: `features.json` → a function that turns an install into the model's row of doubles.
 *
 * Preprocessing is data here, fitted by Python and only applied by TypeScript; docs/bundle.md has its rules. A plan that is
 * not understood to the last key is refused with a FeaturePlanError.
 */
import { FeaturePlanError } from './errors.ts'
import { inputsOfColumns } from './inputs.ts'
import { type Install, type InstallField, TEXT_FIELDS, type TextField } from './install.ts'
import { type OffsetShares, offsetSharing } from './offset-shares.ts'
import { type Column, compileColumn } from './operators.ts'
import { TextColumns } from './text-columns.ts'

const FORMAT = 'day7-feature-plan/1'

export interface FeaturePlan {
  /** The model's columns, in the model's order. */
  readonly features: readonly string[]
  /** The column that is added to the raw score, if the plan has one. */
  readonly offset: string | null
  /**
   * Writes the install's features into `row` (one double a feature; NaN is missing).
   * @returns the offset to add to the raw score; 0 where the plan has none
   */
  encode(install: Install, row: Float64Array): number
  /** The input fields that a feature, or the offset, is made from: at least one. */
  readonly inputs: ReadonlyMap<string, readonly InstallField[]>
  /** How much each input field has to do with the offset; null where the plan has none. */
  shareOffset(install: Install): OffsetShares | null
}

/**
 * @param document the parsed `features.json`
 * @throws FeaturePlanError that names the place, what was expected and what came
 */
export function parseFeaturePlan(document: unknown): FeaturePlan {
  const { format, columns, features, offset } = asObject(document, 'the document')
  if (format !== FORMAT) throw new FeaturePlanError('format', `"${FORMAT}"`, format)
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
    const compiled = compileColumn({ spec, path, earlier: indexes })
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
  const { texts, rest } = byText(compiled, inputs)
  const share = offsetAt < 0 ? null : offsetSharing(compiled, offsetAt, inputs[offsetAt]!)

  return {
    features: Object.freeze([...(features as string[])]),
    offset: offset as string | null,
    encode(install, row) {
      for (let i = 0; i < texts.length; i++) texts[i]!.fill(install, cells)
      for (let i = 0; i < rest.length; i++) cells[rest[i]!] = compiled[rest[i]!]!.cell(install, cells)
      for (let i = 0; i < picks.length; i++) row[i] = cells[picks[i]!]!
      return offsetAt < 0 ? 0 : cells[offsetAt]!
    },
    inputs: new Map([...indexes].map(([name, at]) => [name, inputs[at]!])),
    shareOffset: (install) => share && share(install),
  }
}

/** The columns that one text decides, and the indexes of the others in their order; none of the first reads one of the second. */
function byText(columns: readonly Column[], inputs: readonly (readonly InstallField[])[]) {
  const rest: number[] = []
  const ofText = new Map<TextField, number[]>()
  for (const [at, [field, ...others]] of inputs.entries()) {
    const text = others.length === 0 ? TEXT_FIELDS.find((each) => each === field) : undefined
    if (text) ofText.set(text, [...(ofText.get(text) ?? []), at])
    else rest.push(at)
  }
  return { texts: [...ofText].map(([field, places]) => new TextColumns(field, places, columns)), rest }
}

function asObject(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new FeaturePlanError(path, 'an object', value)
  return value as Record<string, unknown>
}
