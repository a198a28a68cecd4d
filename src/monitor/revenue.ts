/**
 * Predicted revenue by country, source and platform, for people who look at the business.
 *
 * The values come from callers, who could send a new one each time. So only those count by name that a model in service knows from its
 * training, read as the model reads them (`US` is `us`), the most frequent ones first and MAX_CATEGORIES of a field at most. All
 * others are `other`; what is null or empty is `missing`.
 */
import type { Total } from './buckets.ts'
import { type Metric, summary } from './metric.ts'

const FIELDS = ['country', 'source', 'platform'] as const
type Field = (typeof FIELDS)[number]

export type InstallTexts = Readonly<Record<Field, string | null>>

/** What a model knows of the values of a field. */
export interface KnownCategories {
  readonly names: readonly string[]
  readonly fold: (text: string) => string
}

const MAX_CATEGORIES = 100
/** Spellings of known values that are found without folding. */
const MAX_SPELLINGS = 1000

export class RevenueFigures {
  readonly #fields = FIELDS.map((field) => new FieldRevenue(field))

  /** Of a model that has come into service. */
  know(categories: ReadonlyMap<string, KnownCategories>): void {
    for (const field of this.#fields) {
      const known = categories.get(field.name)
      if (known) field.know(known)
    }
  }

  note({ country, source, platform }: InstallTexts, revenue: number): void {
    const [countries, sources, platforms] = this.#fields as [FieldRevenue, FieldRevenue, FieldRevenue]
    countries.note(country, revenue)
    sources.note(source, revenue)
    platforms.note(platform, revenue)
  }

  metrics(): Metric[] {
    return this.#fields.map((field) =>
      summary(
        `day7_predicted_revenue_by_${field.name}`,
        `Predicted revenue by ${field.name}, as the model in service knows them; all others are "other".`,
        () => field.read(),
      ),
    )
  }
}

class FieldRevenue {
  readonly name: Field
  readonly #missing: Total = { sum: 0, count: 0 }
  readonly #other: Total = { sum: 0, count: 0 }
  readonly #named = new Map<string, Total>()
  readonly #spellings = new Map<string, Total>()
  #fold: (text: string) => string = (text) => text

  constructor(name: Field) {
    this.name = name
  }

  know({ names, fold }: KnownCategories): void {
    this.#fold = fold
    this.#spellings.clear()
    for (const name of names) {
      if (this.#named.size >= MAX_CATEGORIES) return
      if (!this.#named.has(name)) this.#named.set(name, { sum: 0, count: 0 })
    }
  }

  note(text: string | null, revenue: number): void {
    const total =
      text === null || text === '' ? this.#missing : (this.#spellings.get(text) ?? this.#find(text))
    total.sum += revenue
    total.count++
  }

  /** Those that occurred. */
  read(): { readonly labels: Record<string, string>; readonly total: Total }[] {
    const all: [string, Total][] = [...this.#named, ['other', this.#other], ['missing', this.#missing]]
    const merged = new Map<string, Total>()
    for (const [name, { sum, count }] of all) {
      if (count === 0) continue
      // A category may have a name of ours.
      const before = merged.get(name) ?? { sum: 0, count: 0 }
      merged.set(name, { sum: before.sum + sum, count: before.count + count })
    }
    return [...merged].map(([name, total]) => ({ labels: { [this.name]: name }, total }))
  }

  #find(text: string): Total {
    const total = this.#named.get(this.#fold(text))
    if (!total) return this.#other
    if (this.#spellings.size < MAX_SPELLINGS) this.#spellings.set(text, total)
    return total
  }
}
