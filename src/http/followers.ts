/**
 * The followers of an event stream: counted in all and by caller, so that none locks out the others.
 */
export class Followers {
  readonly #most: number
  readonly #mostOfCaller: number
  readonly #counts = new Map<string, number>()
  #all = 0

  constructor(most: number, mostOfCaller: number) {
    this.#most = most
    this.#mostOfCaller = mostOfCaller
  }

  /** @returns what ends it, any number of times @throws 429, 503 */
  begin(caller: string): () => void {
    const own = this.#counts.get(caller) ?? 0
    if (own >= this.#mostOfCaller)
      throw Object.assign(
        new Error(`expected at most ${this.#mostOfCaller} event streams of one caller, got more; close one`),
        { statusCode: 429, code: 'FOLLOWERS_OF_CALLER' },
      )
    if (this.#all >= this.#most)
      throw Object.assign(new Error(`expected at most ${this.#most} event streams at once, got more`), {
        code: 'FOLLOWERS_FULL',
      })
    this.#add(caller, 1)
    let isOver = false
    return () => {
      if (!isOver) this.#add(caller, -1)
      isOver = true
    }
  }

  #add(caller: string, change: 1 | -1): void {
    this.#all += change
    const own = (this.#counts.get(caller) ?? 0) + change
    if (own === 0) this.#counts.delete(caller)
    else this.#counts.set(caller, own)
  }
}
