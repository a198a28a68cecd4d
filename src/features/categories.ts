/**
 * A feature plan → the values of each text field that it knows, the most frequent ones first: a bounded list of what callers may send
 * there, and what a form can offer.
 */
import type { InputSchema } from '../inputs/index.ts'
import { FOLDS } from './operators.ts'

export interface Categories {
  /** Folded. */
  readonly names: readonly string[]
  /** As the plan reads what is sent. */
  readonly fold: (text: string) => string
}

interface Lookup {
  readonly op: string
  readonly field: string
  readonly encoding: string
  readonly fold: keyof typeof FOLDS
  readonly values: Readonly<Record<string, number>>
}

/**
 * @param document a plan that `parseFeaturePlan` takes
 * @returns by the name of the field, in the schema's order
 */
export function categoriesOf(document: unknown, { fields }: InputSchema): ReadonlyMap<string, Categories> {
  const { columns } = document as { readonly columns: readonly Lookup[] }
  const ofField = Map.groupBy(
    columns.filter(({ op }) => op === 'lookup'),
    ({ field }) => field,
  )
  const found = new Map<string, Categories>()
  for (const { name: field } of fields) {
    const lookups = ofField.get(field) ?? []
    const lookup = lookups.find(({ encoding }) => encoding === 'frequency') ?? lookups[0]
    if (!lookup) continue
    const values = Object.entries(lookup.values)
    if (lookup.encoding === 'frequency') values.sort(([, one], [, other]) => other - one)
    found.set(field, { names: values.map(([name]) => name), fold: FOLDS[lookup.fold] })
  }
  return found
}
