/**
 * Streams take turns: each slice of rows waits for a turn of the event loop of its own, so that however many streams there are, a
 * request that came meanwhile waits for one slice at most.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'

export class Turns {
  #last: Promise<void> = Promise.resolve()

  take(): Promise<void> {
    return (this.#last = this.#last.then(() => nextTurn()))
  }
}
