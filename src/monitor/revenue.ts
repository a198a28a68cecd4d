/**
 * Predicted revenue by the facets of the models' inputs, for people who look at the business.
 *
 * The values come from callers, who could send a new one each time. So only those count by name that a model in service knows from its
 * training, read as the model reads them (`US` is `us`), the most frequent ones first and MAX_CATEGORIES of a facet at most. All
 * others are `other`; what is null or empty is `missing`.
 */
import type { Field, InputSchema, Row, Value } from '../inputs/index.ts'
import type { Total } from './buckets.ts'
import { type Metric, summary } from './metric.ts'

/** What a model knows of the values of a field. */
export interface KnownCategories {
  readonly names: readonly string[]
  readonly fold: (text: string) => string
}

/** Of all the schemas that were in service; a schema has eight at most. */
const MAX_FACETS = 32
const MAX_CATEGORIES = 100
/** Spellings of known values that are found without folding. */
const MAX_SPELLINGS = 1000

/** A facet, and the position of its values in a row. */
type Place = readonly [at: number, facet: FacetRevenue]

export class RevenueFigures {
  /** By the name of the field: schemas that have it share it. */
  readonly #facets = new Map<string, FacetRevenue>()
  readonly #places = new Map<string, readonly Place[]>()

  /** Of a model that has come into service. */
  know(inputs: InputSchema, categories: ReadonlyMap<string, KnownCategories>): void {
    for (const [at, facet] of this.#placesOf(inputs)) {
      const field = inputs.fields[at]!
      const known = field.kind === 'boolean' ? TRUE_AND_FALSE : categories.get(field.name)
      if (known) facet.know(known)
    }
  }

  note(inputs: InputSchema, row: Row, revenue: number): void {
    const places = this.#placesOf(inputs)
    for (let i = 0; i < places.length; i++) {
      const [at, facet] = places[i]!
      facet.note(row[at]!, revenue)
    }
  }

  /** Of the facets that have been known so far. */
  metrics(): Metric[] {
    return [...this.#facets.values()].map(({ metric }) => metric)
  }

  #placesOf(inputs: InputSchema): readonly Place[] {
    let places = this.#places.get(inputs.id)
    if (!places) {
      places = inputs.withRole('facet').flatMap((field): Place[] => {
        const facet = this.#facetOf(field)
        return facet ? [[inputs.indexOf(field.name), facet]] : []
      })
      // Schemas come with models, and seldom; facets are bounded.
      this.#places.set(inputs.id, places)
    }
    return places
  }

  #facetOf({ name }: Field): FacetRevenue | null {
    const known = this.#facets.get(name)
    if (known) return known
    if (this.#facets.size >= MAX_FACETS) return null
    const words = new Set(Array.from(this.#facets.values(), ({ word }) => word))
    const plain = wordOf(name)
    let word = plain
    for (let number = 2; words.has(word); number++) word = `${plain}_${number}`
    const facet = new FacetRevenue(name, word)
    this.#facets.set(name, facet)
    return facet
  }
}

const TRUE_AND_FALSE: KnownCategories = { names: ['true', 'false'], fold: (text) => text }

/** What may stand in the name of a metric, and be the name of a label. */
const wordOf = (name: string): string => name.replaceAll(/\W/gu, '_').replace(/^(?=\d)/, '_')

class FacetRevenue {
  readonly word: string
  readonly metric: Metric
  readonly #missing: Total = { sum: 0, count: 0 }
  readonly #other: Total = { sum: 0, count: 0 }
  readonly #named = new Map<string, Total>()
  readonly #spellings = new Map<string, Total>()
  #fold: (text: string) => string = (text) => text

  constructor(name: string, word: string) {
    this.word = word
    this.metric = summary(
      `day7_predicted_revenue_by_${word}`,
      `Predicted revenue by ${name}, as the model in service knows them; all others are "other".`,
      () => this.read(),
    )
  }

  know({ names, fold }: KnownCategories): void {
    this.#fold = fold
    this.#spellings.clear()
    for (const name of names) {
      if (this.#named.size >= MAX_CATEGORIES) return
      if (!this.#named.has(name)) this.#named.set(name, { sum: 0, count: 0 })
    }
  }

  note(value: Value, revenue: number): void {
    const text = typeof value === 'number' ? (value === 1 ? 'true' : 'false') : value
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
    return [...merged].map(([name, total]) => ({ labels: { [this.word]: name }, total }))
  }

  #find(text: string): Total {
    const total = this.#named.get(this.#fold(text))
    if (!total) return this.#other
    if (this.#spellings.size < MAX_SPELLINGS) this.#spellings.set(text, total)
    return total
  }
}
