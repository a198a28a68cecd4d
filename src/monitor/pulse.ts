/**
 * What this process has answered since it started, for who looks at it live: read as often as one likes. Two readings, one after the
 * other, say what happened between them.
 */
import { Buckets } from './buckets.ts'

/** Eight to a doubling, from 10 µs to five minutes, so that a quantile is within 9 %. */
const BOUNDS_MS = Array.from({ length: 8 * 25 + 1 }, (_, at) => 0.01 * 2 ** (at / 8))

export interface PulseReading {
  /** Installs that were answered. */
  readonly predictions: number
  /** Requests for predictions, by duration. */
  readonly durations: Float64Array
}

export class Pulse {
  #predictions = 0
  readonly #durations = new Buckets(BOUNDS_MS)

  answered(predictions: number): void {
    this.#predictions += predictions
  }

  took(durationMs: number): void {
    this.#durations.observe(durationMs)
  }

  read(): PulseReading {
    return { predictions: this.#predictions, durations: this.#durations.counts.slice() }
  }
}

/** What the given share of the requests between two readings took at most, in ms; null if there were none. */
export function quantileMs(before: PulseReading, after: PulseReading, share: number): number | null {
  const counts = after.durations.map((count, at) => count - before.durations[at]!)
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return null
  let sum = 0
  const at = counts.findIndex((count) => (sum += count) >= share * total)
  return BOUNDS_MS[at] ?? BOUNDS_MS.at(-1)!
}
