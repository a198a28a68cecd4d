/**
 * When installs are brought up with predictions and outcomes: every few seconds, and before a question that is about them. One round at a time.
 */
import type { LogLogger } from './logger.ts'

export interface SettlingOptions {
  /** One round. @returns whether more is waiting */
  settle(): Promise<boolean>
  readonly logger: LogLogger
}

interface Question {
  rounds: number
  answer(): void
}

const EVERY_MS = 10_000
/** A question waits for so many rounds at most: after a migration, days of predictions may be waiting. */
const MOST_ROUNDS = 3

export class Settling {
  readonly #options: SettlingOptions
  readonly #timer: NodeJS.Timeout
  #questions: Question[] = []
  #running: Promise<void> | undefined
  #stopped = false
  #lastError: string | undefined

  constructor(options: SettlingOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#run(), EVERY_MS).unref()
  }

  /** Resolves when all that was stored before is settled, or too much of it was waiting, or the database could not do it. Never rejects. */
  upToNow(): Promise<void> {
    return new Promise((resolve) => {
      this.#questions.push({ rounds: 0, answer: resolve })
      this.#run()
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    await this.#running
  }

  #run(): void {
    this.#running ??= this.#settleAll().finally(() => {
      this.#running = undefined
      if (this.#questions.length > 0) this.#run()
    })
  }

  async #settleAll(): Promise<void> {
    let asking: Question[] = []
    try {
      for (let more = true; more && !this.#stopped;) {
        // The others asked when this round had begun.
        asking = this.#questions.splice(0)
        more = await this.#options.settle()
        for (const question of asking.splice(0))
          if (!more || ++question.rounds === MOST_ROUNDS) question.answer()
          else this.#questions.push(question)
      }
      this.#lastError = undefined
    } catch (error) {
      this.#say(error as Error & { code?: string })
    }
    for (const { answer } of [...asking, ...(this.#stopped ? this.#questions.splice(0) : [])]) answer()
  }

  /** Once for each kind of error; what is waiting is tried again. */
  #say(error: Error & { code?: string }): void {
    const kind = error.code ?? error.message
    if (kind === this.#lastError || SAID_ELSEWHERE.test(kind)) return
    this.#lastError = kind
    this.#options.logger.warn({ err: error }, 'prediction log: cannot bring installs up with predictions')
  }
}

/** Another process settles, or the database is away, as the log itself says. */
const SAID_ELSEWHERE = /^(55P03|57P|08|CONNECT|E[A-Z]+$|DATABASE_)/
