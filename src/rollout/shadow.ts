/**
 * The shadow: what the champion answered is scored by the challenger too, after the answers of that turn of the event loop have left.
 * Whatever comes of it, an answer is never touched: a score that fails is counted and kept as a failure, and where scoring falls behind,
 * predictions go without.
 */
import type { Bundle } from '../bundle/index.ts'
import type { InputSchema, Row } from '../inputs/index.ts'

/** What a prediction must have to be scored again. */
export interface Scorable {
  readonly inputs: InputSchema
  /** Of these inputs. */
  readonly row: Row
}

/** A prediction that was answered. */
export interface Offered<Record extends Scorable> {
  readonly record: Record
  /** The row of a challenger with other inputs; null where the request had not what it needs. */
  rowFor(other: InputSchema): Row | null
}

export interface ShadowScore<Record extends Scorable> {
  readonly record: Record
  readonly bundle: Bundle
  /** NaN: the challenger had no finite answer, and neither a raw score. */
  readonly revenue: number
  readonly rawScore: number
  readonly inferenceTimeUs: number
}

export interface ShadowCounts {
  readonly scored: number
  /** The challenger had no finite answer. */
  readonly failed: number
  /** Left out, since too many were waiting. */
  readonly skipped: number
}

/** Waiting at most; each holds its record. */
const MAX_WAITING = 20_000
/** The event loop is given back after so long. */
const SLICE_MS = 2

export class Shadow<Record extends Scorable> {
  readonly #onFailure: (error: unknown) => void
  readonly #keep: (scores: readonly ShadowScore<Record>[]) => void
  #waiting: { readonly record: Record; readonly row: Row; readonly bundle: Bundle }[] = []
  #isScheduled = false
  #counts = { scored: 0, failed: 0, skipped: 0 }
  #unasked = 0

  /**
   * @param keep is given the scores of a slice
   * @param onFailure is told why a score failed, each time
   */
  constructor(
    keep: (scores: readonly ShadowScore<Record>[]) => void,
    onFailure: (error: unknown) => void = () => {},
  ) {
    this.#keep = keep
    this.#onFailure = onFailure
  }

  /** Costs the caller nothing but a place in a list. */
  offer(bundle: Bundle, offered: readonly Offered<Record>[]): void {
    for (const { record, rowFor } of offered) {
      if (this.#waiting.length >= MAX_WAITING) {
        this.#counts.skipped++
        continue
      }
      const row = record.inputs.id === bundle.inputs.id ? record.row : rowFor(bundle.inputs)
      if (row === null) this.#unasked++
      else this.#waiting.push({ record, row, bundle })
    }
    this.#schedule()
  }

  /** In its own arm the challenger had no answer, and the champion gave one. */
  miss(bundle: Bundle, record: Record): void {
    this.#keep([failureOf(record, bundle)])
  }

  counts(): ShadowCounts {
    return { ...this.#counts }
  }

  /** Left out, since the request had not the fields that the challenger takes. */
  unasked(): number {
    return this.#unasked
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#scoreSlice()
      this.#schedule()
    })
  }

  #scoreSlice(): void {
    const scores: ShadowScore<Record>[] = []
    const started = performance.now()
    let done = 0
    for (let now = started; done < this.#waiting.length && now - started < SLICE_MS; done++) {
      const { record, row, bundle } = this.#waiting[done]!
      try {
        const { revenue, rawScore } = bundle.predict(row)
        const end = performance.now()
        scores.push({ record, bundle, revenue, rawScore, inferenceTimeUs: (end - now) * 1000 })
        now = end
      } catch (error) {
        this.#counts.failed++
        scores.push(failureOf(record, bundle))
        this.#onFailure(error)
        now = performance.now()
      }
    }
    this.#waiting.splice(0, done)
    this.#counts.scored += scores.filter(({ revenue }) => !Number.isNaN(revenue)).length
    if (scores.length > 0) this.#keep(scores)
  }
}

const failureOf = <Record extends Scorable>(record: Record, bundle: Bundle): ShadowScore<Record> => ({
  record,
  bundle,
  revenue: NaN,
  rawScore: NaN,
  inferenceTimeUs: 0,
})
