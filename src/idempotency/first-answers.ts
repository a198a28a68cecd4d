/**
 * Requests that name themselves by a key → the first answer that was made for each, however often it is asked for.
 *
 * An answer is made first and kept then, in one step that only one of all processes can win; who comes second drops his own and
 * takes the kept one. So there is no lock that a killed process could leave behind, and nobody waits for anybody. Whoever sends
 * an answer, the first or a later one, logs it before; the log keeps one. A store that fails leaves an answer without that
 * guarantee, which is counted and said. What could not be made is not kept.
 */
import { Patience } from './patience.ts'
import { type KeyedRequest, type Seal, sealOf } from './seal.ts'
import type { AnswerStore } from './store.ts'

/** A store answers in a millisecond. */
const PATIENCE = { withinMs: 1_000, leftAloneMs: 2_000 }

export interface FirstAnswersCounts {
  /** Answers that had been given before. */
  readonly replays: number
  /** Keys that came with another request than before. */
  readonly reused: number
  /** Answers that could not be kept, or not be looked for. */
  readonly unguarded: number
}

export interface FirstAnswer {
  readonly text: string
  /** False: it was made just now. */
  readonly isReplay: boolean
}

export class KeyReusedError extends Error {
  readonly code = 'IDEMPOTENCY_KEY_REUSED'
  readonly statusCode = 422
  override readonly name = 'KeyReusedError'

  constructor() {
    super(
      'idempotency-key: expected the request that the key was first used with, got another one; a new request needs a new key',
    )
  }
}

export class FirstAnswers {
  readonly #store: AnswerStore
  readonly #onUnguarded: (error: unknown) => void
  readonly #patience: Patience
  #replays = 0
  #reused = 0
  #unguarded = 0

  /** @param onUnguarded is told why an answer goes without the guarantee */
  constructor(
    store: AnswerStore,
    onUnguarded: (error: unknown) => void,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#patience = new Patience(PATIENCE, nowMs)
    this.#store = store
    this.#onUnguarded = onUnguarded
  }

  /**
   * @throws KeyReusedError if the key was used with another request
   * @throws what `make` throws, if nobody has made an answer before
   */
  async settle(request: KeyedRequest, make: () => string | Promise<string>): Promise<FirstAnswer> {
    const seal = sealOf(request, this.#store.isExposed === true)
    let text: string
    try {
      text = await make()
    } catch (error) {
      const first = await this.#ask(seal, () => this.#store.find(seal.name))
      if (first === null) throw error
      return first
    }
    return (
      (await this.#ask(seal, () => this.#store.keep(seal.name, seal.close(text)))) ?? {
        text,
        isReplay: false,
      }
    )
  }

  counts(): FirstAnswersCounts {
    return { replays: this.#replays, reused: this.#reused, unguarded: this.#unguarded }
  }

  async close(): Promise<void> {
    await this.#store.close?.()
  }

  /** @returns null if nothing was kept before, or the store does not say */
  async #ask(seal: Seal, ask: () => Promise<Buffer | null>): Promise<FirstAnswer | null> {
    let text: string | null
    try {
      const kept = await this.#patience.call(ask)
      if (kept === null) return null
      text = seal.open(kept)
    } catch (error) {
      this.#unguarded++
      this.#onUnguarded(error)
      return null
    }
    if (text === null) {
      this.#reused++
      throw new KeyReusedError()
    }
    this.#replays++
    return { text, isReplay: true }
  }
}
