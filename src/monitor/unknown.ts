/**
 * Values that the models in service do not know, by field and reason, as counts that only grow.
 */
import type { UnknownKind } from './drift.ts'
import { counter, type Metric } from './metric.ts'

/** Counts one of a kind, by its index. */
export type Tally = (kind: number) => void

/** Of all the schemas that were in service. */
const MAX_KINDS = 600
/** The fields beyond. */
const OTHER = 'other'

interface Count extends UnknownKind {
  value: number
}

export class UnknownFigures {
  readonly #counts = new Map<string, Count>()

  /** Bundles that have a field share its counts; they are there before the first such value, so that rates begin at 0. */
  tallyOf(kinds: readonly UnknownKind[]): Tally {
    const counts = kinds.map((kind) => this.#countOf(kind))
    return (kind) => {
      counts[kind]!.value++
    }
  }

  metric(): Metric {
    return counter(
      'day7_unknown_values_total',
      'Values that a model does not know: unseen texts, markers of missing values, blanks, numbers and times outside of those of training.',
      () =>
        Array.from(this.#counts.values(), ({ field, reason, value }) => ({
          labels: { field, reason },
          value,
        })),
    )
  }

  #countOf({ field, reason }: UnknownKind): Count {
    const key = `${reason} ${field}`
    const known = this.#counts.get(key)
    if (known) return known
    if (this.#counts.size >= MAX_KINDS && field !== OTHER) return this.#countOf({ field: OTHER, reason })
    const count = { field, reason, value: 0 }
    this.#counts.set(key, count)
    return count
  }
}
