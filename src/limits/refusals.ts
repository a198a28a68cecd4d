/**
 * How many requests were refused, and why: read by the monitor.
 */
export interface RefusalCounts {
  /** Refused since somebody asked too often, by what he is known by. */
  readonly limited: { readonly key: number; readonly address: number }
  /** Refused since there was more to do than could be done. */
  readonly shed: number
}

export class Refusals {
  readonly #limited = { key: 0, address: 0 }
  #shed = 0

  limit(by: 'key' | 'address'): void {
    this.#limited[by]++
  }

  shed(): void {
    this.#shed++
  }

  counts(): RefusalCounts {
    return { limited: { ...this.#limited }, shed: this.#shed }
  }
}
