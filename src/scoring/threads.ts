/**
 * The threads that score. A piece goes to the thread that has the least before it; a thread that ends fails what it was given, and what
 * it is given after.
 */
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { InputError } from '../formats/index.ts'
import type { Piece, Scored, ThreadSetup } from './piece.ts'

export interface Order {
  /** Which of the layouts its rows have. */
  readonly part: number
  readonly piece: Piece
  readonly spare: ArrayBuffer | null
}

export type Answer =
  { readonly scored: Scored } | { readonly fault: { readonly message: string; readonly isInput: boolean } }

/** Rows are garbage at once: a small nursery keeps a thread small. */
const LIMITS = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 2048 }

export class ScoringThreads {
  readonly #threads: readonly Thread[]

  constructor(count: number, setup: ThreadSetup) {
    this.#threads = Array.from({ length: count }, () => new Thread(setup))
  }

  get count(): number {
    return this.#threads.length
  }

  score(order: Order): Promise<Scored> {
    const thread = this.#threads.reduce((least, each) => (each.waiting < least.waiting ? each : least))
    return thread.score(order)
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()))
  }
}

class Thread {
  readonly #worker: Worker
  /** In the order of the answers. */
  readonly #waiting: PromiseWithResolvers<Scored>[] = []
  #end: Error | null = null

  constructor(setup: ThreadSetup) {
    this.#worker = new Worker(new URL(`./thread${extname(import.meta.url)}`, import.meta.url), {
      // What the process was started with, such as hooks into every import, is nothing to it.
      execArgv: [],
      workerData: setup,
      resourceLimits: LIMITS,
    })
    this.#worker.on('message', (answer: Answer) => {
      const { resolve, reject } = this.#waiting.shift()!
      if ('scored' in answer) return resolve(answer.scored)
      const { message, isInput } = answer.fault
      return reject(isInput ? new InputError(message) : new Error(message))
    })
    this.#worker.on('error', (cause) => this.#fail(new Error(`a thread failed: ${cause.message}`, { cause })))
    this.#worker.on('exit', (code) => this.#fail(new Error(`a thread ended with code ${code}`)))
  }

  get waiting(): number {
    return this.#waiting.length
  }

  score({ part, piece, spare }: Order): Promise<Scored> {
    const answer = Promise.withResolvers<Scored>()
    // It may fail before anybody waits for it.
    answer.promise.catch(() => {})
    if (this.#end) answer.reject(this.#end)
    else {
      this.#waiting.push(answer)
      const handedOver = piece.kind === 'bytes' ? [piece.buffer] : []
      this.#worker.postMessage(
        { part, piece, spare } satisfies Order,
        spare ? [...handedOver, spare] : handedOver,
      )
    }
    return answer.promise
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #fail(error: Error): void {
    this.#end ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(this.#end)
  }
}
