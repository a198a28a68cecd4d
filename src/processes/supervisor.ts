/**
 * The primary process: as many workers as wanted, on one port. It answers no request itself.
 *
 *   starting   the first worker is not there yet; it starts alone, for what prevents it would prevent all, and is said once
 *                                                             → serving
 *   serving    workers that die are replaced, after a pause that grows as long as they die young → rolling, stopping
 *   rolling    workers are replaced one by one, too           → serving, stopping
 *   stopping   all are told to end
 */
import type { Worker } from 'node:cluster'
import { FigureBook, type FigureBookOptions } from './figures.ts'
import { Member, type MemberState } from './member.ts'
import type { Question, SharedValues } from './messages.ts'

export interface SupervisorOptions {
  readonly workers: number
  fork(): Worker
  /** A worker that was told to end and has not is killed. */
  readonly endWithinMs: number
  readonly figures: (counts: WorkerCounts) => FigureBookOptions
  /** What workers keep here lives as long as the primary. */
  readonly shared: SharedValues
  readonly logger: {
    info(details: object, message: string): void
    error(details: object, message: string): void
  }
}

export interface WorkerCounts {
  serving(): number
  /** Workers that died and were replaced. */
  restarts(): number
}

/** The first worker did not start; it has said why. */
export class WorkersError extends Error {
  readonly code = 'WORKERS_FAILED'
  override readonly name = 'WorkersError'
}

const PAUSE = {
  firstMs: 200,
  greatestMs: 30_000,
  /** A worker that lived for so long did not die of its start. */
  forgottenAfterMs: 60_000,
}

export class Supervisor implements WorkerCounts {
  readonly #options: SupervisorOptions
  readonly #book: FigureBook
  readonly #members = new Set<Member>()
  #state: 'starting' | 'serving' | 'rolling' | 'stopping' = 'starting'
  #rollAgain = false
  #restarts = 0

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#book = new FigureBook(options.figures(this))
  }

  serving(): number {
    return this.#in('serving').length
  }

  restarts(): number {
    return this.#restarts
  }

  /**
   * Resolves when all workers answer, or have died and are being replaced.
   * @throws WorkersError if the first one does not start
   */
  async start(): Promise<void> {
    const first = this.#fork(0)
    const isReady = await first.ready
    if (this.#isStopping()) return
    if (!isReady) {
      const { exitCode, signalCode } = first.process()
      throw new WorkersError(
        `the service did not start: its first worker ended with ${signalCode ?? `code ${exitCode}`}`,
      )
    }
    this.#state = 'serving'
    this.#fill(0)
    await Promise.all([...this.#members].map(({ ready }) => ready))
    this.#options.logger.info({ workers: this.serving() }, 'workers answer')
  }

  /** Replaces all workers, one by one: the next one answers before the last one is told to go. */
  async roll(): Promise<void> {
    if (this.#state === 'rolling') this.#rollAgain = true
    if (this.#state !== 'serving') return
    this.#state = 'rolling'
    do {
      this.#rollAgain = false
      await this.#replaceAll()
    } while (this.#rollAgain && this.#state === 'rolling')
    if (this.#state === 'rolling') this.#state = 'serving'
    this.#fill(0)
  }

  /** Tells all to end, and waits for it. */
  async stop(): Promise<void> {
    this.#state = 'stopping'
    await Promise.all([...this.#members].map((member) => this.#dismiss(member, 'stop')))
  }

  async #replaceAll(): Promise<void> {
    const { logger } = this.#options
    logger.info({ workers: this.#members.size }, 'workers are replaced one by one')
    for (const old of this.#in('starting', 'serving')) {
      const isReady = await this.#fork(0, true).ready
      if (this.#isStopping()) return
      if (!isReady) return logger.error({}, 'the new worker does not start: the old ones stay')
      await this.#dismiss(old, 'retire')
    }
    logger.info({ workers: this.serving() }, 'all workers are new')
  }

  #dismiss(member: Member, how: 'stop' | 'retire'): Promise<void> {
    const { endWithinMs, logger } = this.#options
    return member.leave(how, endWithinMs, () =>
      logger.error(member.process(), 'a worker does not end: it is killed'),
    )
  }

  #fork(deaths: number, isSuccessor = false): Member {
    const member = new Member(this.#options.fork(), {
      deaths,
      isSuccessor,
      heard: (message) => {
        switch (message.day7) {
          case 'figures':
            return this.#book.heard(member, message.figures, message.id)
          case 'last figures':
            return this.#book.heard(member, message.figures, null)
          case 'ask':
            return void this.#answer(member, message.id, message.question)
        }
      },
    })
    this.#members.add(member)
    void member.gone.then((before) => this.#left(member, before))
    return member
  }

  #left(member: Member, before: MemberState): void {
    this.#members.delete(member)
    this.#book.left(member)
    const isMissed = before !== 'leaving' && !(member.isSuccessor && before === 'starting')
    if (!isMissed || this.#state === 'starting' || this.#state === 'stopping') return
    this.#restarts++
    const deaths = member.livedMs() < PAUSE.forgottenAfterMs ? member.deaths + 1 : 0
    const pauseMs = deaths === 0 ? 0 : Math.min(PAUSE.greatestMs, PAUSE.firstMs * 2 ** (deaths - 1))
    this.#options.logger.error(
      { ...member.process(), pauseMs },
      'a worker died; another one takes its place after a pause',
    )
    this.#fillAfter(pauseMs, deaths)
  }

  /** Without a file descriptor or memory for a worker, it is tried again. */
  #fillAfter(pauseMs: number, deaths: number): void {
    setTimeout(() => {
      try {
        this.#fill(deaths)
      } catch (error) {
        const nextMs = Math.min(PAUSE.greatestMs, Math.max(PAUSE.firstMs, 2 * pauseMs))
        this.#options.logger.error(
          { err: error, pauseMs: nextMs },
          'a worker cannot be made; it is tried again',
        )
        this.#fillAfter(nextMs, deaths)
      }
    }, pauseMs)
  }

  /** A successor counts: it stands for the one that it is to replace, or for one that died meanwhile. */
  #fill(deaths: number): void {
    if (this.#state !== 'serving' && this.#state !== 'rolling') return
    while (this.#in('starting', 'serving').length < this.#options.workers) this.#fork(deaths)
  }

  async #answer(member: Member, id: number, question: Question): Promise<void> {
    try {
      member.tell({ day7: 'answer', id, answer: await this.#answerTo(question) })
    } catch (error) {
      member.tell({ day7: 'no answer', id, reason: String(error) })
    }
  }

  async #answerTo(question: Question): Promise<unknown> {
    if (question.of === 'all figures') return this.#book.collect(this.#in('serving', 'leaving'))
    const { shared } = this.#options
    const { name, value } = question
    const kept = value === null ? shared.find(name) : shared.keep(name, Buffer.from(value, 'base64'))
    return (await kept)?.toString('base64') ?? null
  }

  /** Asked after a pause: much may have happened in it. */
  #isStopping(): boolean {
    return this.#state === 'stopping'
  }

  #in(...states: MemberState[]): Member[] {
    return [...this.#members].filter((member) => states.includes(member.state()))
  }
}
