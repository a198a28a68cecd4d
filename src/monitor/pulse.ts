/**
 * What this process has answered since it started, for who looks at it live: counted without an allocation, and read as often as
 * one likes. Two readings, one after the other, say what happened between them.
 */

/** Upper edges of the durations that are told apart: eight to a doubling, from 10 µs on, so that a quantile is within 9 %. */
const EDGES_PER_DOUBLING = 8
const SHORTEST_MS = 0.01
const EDGES = 8 * 25

export interface PulseReading {
  /** Installs that were answered. */
  readonly predictions: number
  /** Requests for predictions, by duration. */
  readonly durations: Float64Array
}

export class Pulse {
  #predictions = 0
  readonly #durations = new Float64Array(EDGES + 1)

  answered(predictions: number): void {
    this.#predictions += predictions
  }

  took(durationMs: number): void {
    const edge = Math.ceil(Math.log2(durationMs / SHORTEST_MS) * EDGES_PER_DOUBLING)
    this.#durations[Math.min(Math.max(edge, 0), EDGES)]!++
  }

  read(): PulseReading {
    return { predictions: this.#predictions, durations: this.#durations.slice() }
  }
}

/** What the given share of the requests between two readings took at most, in ms; null if there were none. */
export function quantileMs(before: PulseReading, after: PulseReading, share: number): number | null {
  const counts = after.durations.map((count, at) => count - before.durations[at]!)
  const total = counts.reduce((sum, count) => sum + count, 0)
  let sum = 0
  for (const [at, count] of counts.entries()) {
    sum += count
    if (total > 0 && sum >= share * total) return SHORTEST_MS * 2 ** (at / EDGES_PER_DOUBLING)
  }
  return null
}
