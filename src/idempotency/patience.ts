/**
 * How long a store is waited for. It is in one state:
 *
 *   well         every call goes through       → left-alone, when one fails or is late
 *   left-alone   no call goes through          → probing, with the first call after a moment
 *   probing      that one call is under way    → well, left-alone
 *
 * So a store that hangs delays the calls of one moment, and one call in each moment after that.
 */
import { setImmediate } from 'node:timers'

export interface PatienceOptions {
  readonly withinMs: number
  readonly leftAloneMs: number
}

export class Patience {
  readonly #options: PatienceOptions
  readonly #nowMs: () => number
  #state: 'well' | 'left-alone' | 'probing' = 'well'
  #leftAloneSinceMs = -Infinity

  /** @param nowMs a clock that never goes back */
  constructor(options: PatienceOptions, nowMs: () => number) {
    this.#options = options
    this.#nowMs = nowMs
  }

  /** @throws Error if it fails, is late, or is not tried at all */
  async call<T>(send: () => Promise<T>): Promise<T> {
    if (this.#state === 'left-alone' && this.#nowMs() - this.#leftAloneSinceMs >= this.#options.leftAloneMs)
      this.#state = 'probing'
    else if (this.#state !== 'well') throw new Error('it failed a moment ago')
    try {
      const answer = await within(send(), this.#options.withinMs)
      this.#state = 'well'
      return answer
    } catch (error) {
      this.#state = 'left-alone'
      this.#leftAloneSinceMs = this.#nowMs()
      throw error
    }
  }
}

/** Where this process itself stood still, the time is over before it has read the answer that is there: it is read first. */
function within<T>(answer: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => setImmediate(() => reject(new Error(`expected an answer within ${ms} ms`))),
      ms,
    )
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
