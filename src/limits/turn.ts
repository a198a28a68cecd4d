/**
 * A turn of the event loop: all requests that had arrived when it began are taken up one after the other, and answered at its end.
 * What arrives meanwhile waits for the next one, so its length is how long requests wait. A turn that has taken up requests for long
 * enough has no room for more.
 */
export class Turn {
  readonly #maxMs: number
  readonly #nowMs: () => number
  readonly #atItsEnd: (call: () => void) => void
  #startedMs: number | null = null

  constructor(
    maxMs: number,
    nowMs: () => number = () => performance.now(),
    atItsEnd: (call: () => void) => void = setImmediate,
  ) {
    this.#maxMs = maxMs
    this.#nowMs = nowMs
    this.#atItsEnd = atItsEnd
  }

  /** Is there room for the request that asks? */
  hasRoom(): boolean {
    const nowMs = this.#nowMs()
    if (this.#startedMs === null) {
      this.#startedMs = nowMs
      this.#atItsEnd(() => (this.#startedMs = null))
    }
    return nowMs - this.#startedMs < this.#maxMs
  }
}
