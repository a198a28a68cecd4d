/**
 * A histogram as plain numbers: observing costs nanoseconds, where prom-client hashes labels each time.
 */
export class Buckets {
  /** Upper bounds, rising; above the last there is one bucket more. */
  readonly bounds: readonly number[]
  /** Of each bucket alone. */
  readonly counts: Float64Array
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    const { bounds } = this
    let at = 0
    while (at < bounds.length && value > bounds[at]!) at++
    this.counts[at]!++
    this.sum += value
  }
}

/** A sum and how often something was added to it. */
export interface Total {
  sum: number
  count: number
}
