/**
 * A feature plan's document → the texts that it knows, field by field: what a form may offer, and what is worth counting apart.
 */
import { TEXT_FIELDS, type TextField } from './install.ts'

export type KnownValues = ReadonlyMap<TextField, readonly string[]>

/**
 * @param document a `features.json` that `parseFeaturePlan` has accepted
 * @returns folded as the plan folds them; the most frequent first where the plan has frequencies. Fields that it looks up nowhere are
 * not there
 */
export function knownValues(document: unknown): KnownValues {
  const { columns } = document as { readonly columns: readonly Lookup[] }
  const lookups = columns.filter(({ op }) => op === 'lookup')
  return new Map(
    TEXT_FIELDS.flatMap((field) => {
      const ofField = lookups.filter((column) => column.field === field)
      if (ofField.length === 0) return []
      const [ranked, ...others] = ofField.toSorted((a, b) => rankOf(a) - rankOf(b)) as [Lookup, ...Lookup[]]
      const first =
        ranked.encoding === 'frequency'
          ? Object.entries(ranked.values)
              .toSorted(([, a], [, b]) => b - a)
              .map(([value]) => value)
          : Object.keys(ranked.values)
      return [
        [field, [...new Set([...first, ...others.flatMap(({ values }) => Object.keys(values))])]] as const,
      ]
    }),
  )
}

interface Lookup {
  readonly op: string
  readonly field: string
  readonly encoding: string
  readonly values: Readonly<Record<string, number>>
}

const rankOf = ({ encoding }: Lookup): number => (encoding === 'frequency' ? 0 : 1)
