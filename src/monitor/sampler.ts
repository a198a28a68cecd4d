/**
 * Picks about so many of what passes each second, whatever the rate; of the rest it costs a subtraction. Which ones is left to chance, so
 * that a batch in some order is not always picked at the same place.
 */
export class Sampler {
  readonly #perSecond: number
  readonly #random: () => number
  #stride = 1
  #left = 1
  #picked = 0
  #passed = 0
  #sinceMs = -Infinity

  constructor(perSecond: number, random: () => number) {
    this.#perSecond = perSecond
    this.#random = random
  }

  /** Whether this one is picked. */
  pick(): boolean {
    return --this.#left <= 0
  }

  /** To be called when one was picked. */
  next(nowMs: number): void {
    const elapsedMs = nowMs - this.#sinceMs
    if (elapsedMs >= 1000) {
      const perSecond = (this.#passed / elapsedMs) * 1000
      this.#stride = Math.max(1, Math.round(perSecond / this.#perSecond))
      this.#sinceMs = nowMs
      this.#picked = this.#passed = 0
    } else if (++this.#picked >= this.#perSecond) {
      this.#stride *= 2
      this.#picked = 0
    }
    // From 1 to twice the stride less 1: the stride in the mean.
    this.#left = 1 + Math.floor(this.#random() * (2 * this.#stride - 1))
    this.#passed += this.#left
  }
}
