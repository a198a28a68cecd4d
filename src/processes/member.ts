/**
 * A worker as the primary process sees it. It is in one state:
 *
 *   starting   it is there, and does not answer yet              → serving, leaving, gone
 *   serving    it answers requests                               → leaving, gone
 *   leaving    it was told to end, and answers what it still has → gone
 */
import type { Worker } from 'node:cluster'
import type { Told } from './figures.ts'
import type { FromWorker, ToWorker } from './messages.ts'

export type MemberState = 'starting' | 'serving' | 'leaving' | 'gone'

export interface MemberOptions {
  /** How many have died young, one after the other, before it. */
  readonly deaths: number
  /** It is to take the place of one that serves: if it does not start, nothing is missing. */
  readonly isSuccessor: boolean
  heard(message: Exclude<FromWorker, { day7: 'ready' }>): void
}

/** One that has not started by then is killed. */
const START_WITHIN_MS = 120_000

export class Member implements Told {
  readonly id: number
  readonly deaths: number
  readonly isSuccessor: boolean
  /** True when it answers; false if it is gone before. */
  readonly ready: Promise<boolean>
  /** Resolves to the state that it was in before. */
  readonly gone: Promise<MemberState>
  readonly #worker: Worker
  readonly #bornMs = performance.now()
  #state: MemberState = 'starting'

  constructor(worker: Worker, { deaths, isSuccessor, heard }: MemberOptions) {
    this.#worker = worker
    this.id = worker.id
    this.deaths = deaths
    this.isSuccessor = isSuccessor
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.ready = promise
    this.gone = goneOf(worker).then(() => {
      const before = this.#state
      this.#state = 'gone'
      resolve(false)
      return before
    })
    worker.on('message', (message: FromWorker) => {
      if (message.day7 !== 'ready') return heard(message)
      if (this.#state === 'starting') this.#state = 'serving'
      resolve(true)
    })
    const timer = setTimeout(() => worker.process.kill('SIGKILL'), START_WITHIN_MS)
    void promise.then(() => clearTimeout(timer))
  }

  state(): MemberState {
    return this.#state
  }

  livedMs(): number {
    return performance.now() - this.#bornMs
  }

  /** For the log. */
  process(): { worker: number | undefined; exitCode: number | null; signalCode: NodeJS.Signals | null } {
    const { pid: worker, exitCode, signalCode } = this.#worker.process
    return { worker, exitCode, signalCode }
  }

  tell(message: ToWorker): void {
    if (this.#worker.isConnected()) this.#worker.send(message, () => {})
  }

  /**
   * Resolves when it is gone.
   * @param onKill is called if it does not end in time and is killed
   */
  async leave(how: 'stop' | 'retire', withinMs: number, onKill: () => void): Promise<void> {
    if (this.#state === 'gone') return
    this.#state = 'leaving'
    this.tell({ day7: how })
    const timer = setTimeout(() => {
      onKill()
      this.#worker.process.kill('SIGKILL')
    }, withinMs)
    await this.gone
    clearTimeout(timer)
  }
}

/** Ended, and all that it said is heard; or never there at all. */
async function goneOf(worker: Worker): Promise<void> {
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  const heard = new Promise<void>((resolve) => worker.once('disconnect', () => resolve()))
  const failed = new Promise<void>((resolve) => {
    worker.on('error', () => {
      if (worker.process.pid === undefined) resolve()
    })
  })
  await Promise.race([failed, Promise.all([ended, heard])])
}
