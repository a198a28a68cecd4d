/**
 * Values that the model does not know, of the rows of a file: how many rows have one, by field and reason, and which value most of them
 * have, as a text. Threads count their pieces; the counts are added up.
 */
import type { UnknownKind } from '../bundle/index.ts'

/** Of a piece, or of several. */
export interface UnknownCount extends UnknownKind {
  readonly rows: number
  readonly texts: ReadonlyMap<string, number>
}

export interface UnknownValue extends UnknownKind {
  readonly rows: number
  /** The text that most of them have, of the first thousand different ones. */
  readonly mostOften: { readonly text: string; readonly rows: number }
}

/** Different texts of a kind that are counted each. */
const MOST_TEXTS = 1000

export class UnknownTally {
  readonly #kinds: readonly UnknownKind[]
  readonly #counts: (Count | undefined)[] = []

  constructor(kinds: readonly UnknownKind[]) {
    this.#kinds = kinds
  }

  /** @param kind its index */
  add(kind: number, text: string): void {
    const count = (this.#counts[kind] ??= new Count())
    count.add(text, 1)
  }

  /** What was counted since the last time. */
  take(): UnknownCount[] {
    const taken = this.#counts.flatMap((count, kind) => (count ? { ...this.#kinds[kind]!, ...count } : []))
    this.#counts.length = 0
    return taken
  }
}

export class UnknownSum {
  readonly #sums = new Map<string, { readonly kind: UnknownKind; readonly count: Count }>()

  add(counts: readonly UnknownCount[]): void {
    for (const { rows, texts, ...kind } of counts) {
      const key = `${kind.reason} ${kind.field}`
      let sum = this.#sums.get(key)
      if (!sum) this.#sums.set(key, (sum = { kind, count: new Count() }))
      let named = 0
      for (const [text, times] of texts) {
        sum.count.add(text, times)
        named += times
      }
      sum.count.rows += rows - named
    }
  }

  /** The most frequent first. */
  values(): UnknownValue[] {
    return [...this.#sums.values()]
      .map(({ kind, count: { rows, texts } }) => {
        const [text, times] = [...texts].reduce((most, each) => (each[1] > most[1] ? each : most))
        return { ...kind, rows, mostOften: { text, rows: times } }
      })
      .toSorted((one, other) => other.rows - one.rows)
  }
}

class Count {
  rows = 0
  readonly texts = new Map<string, number>()

  add(text: string, rows: number): void {
    this.rows += rows
    const before = this.texts.get(text)
    if (before !== undefined || this.texts.size < MOST_TEXTS) this.texts.set(text, (before ?? 0) + rows)
  }
}
