/**
 * A feature plan → the values of each text field that it knows, the most frequent ones first: a bounded list of what callers may send
 * there, and what a form can offer.
 */
import { TEXT_FIELDS, type TextField } from './install.ts'
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

/** @param document a plan that `parseFeaturePlan` takes */
export function categoriesOf(document: unknown): ReadonlyMap<TextField, Categories> {
  const { columns } = document as { readonly columns: readonly Lookup[] }
  const found = new Map<TextField, Categories>()
  for (const field of TEXT_FIELDS) {
    const lookups = columns.filter((column) => column.op === 'lookup' && column.field === field)
    const lookup = lookups.find(({ encoding }) => encoding === 'frequency') ?? lookups[0]
    if (!lookup) continue
    const values = Object.entries(lookup.values)
    if (lookup.encoding === 'frequency') values.sort(([, one], [, other]) => other - one)
    found.set(field, { names: values.map(([name]) => name), fold: FOLDS[lookup.fold] })
  }
  return found
}
