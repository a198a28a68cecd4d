/**
 * Figures of all workers, for whoever is asked for them. What a worker had counted when it ended counts on: the sum of a counter
 * over all workers never falls.
 */
import type { Figures, ToWorker } from './messages.ts'

/** A worker that figures can be asked of. */
export interface Told {
  readonly id: number
  tell(message: ToWorker): void
}

export interface FigureBookOptions {
  /** Of the primary itself. */
  own(): Promise<Figures>
  /** @returns the counters of both */
  addCounters(sum: Figures, gone: Figures): Promise<Figures>
}

/** Of a worker that is busy for longer, the figures of the time before are taken. */
const ANSWER_WITHIN_MS = 1_000

interface Question {
  readonly waiting: Set<number>
  readonly answered: () => void
}

export class FigureBook {
  readonly #options: FigureBookOptions
  readonly #last = new Map<number, Figures>()
  readonly #questions = new Map<number, Question>()
  #gone: Promise<Figures> = Promise.resolve([])
  #ids = 0

  constructor(options: FigureBookOptions) {
    this.#options = options
  }

  /** @param id of the question that it answers; null: it is about to end */
  heard(worker: Told, figures: Figures, id: number | null): void {
    this.#last.set(worker.id, figures)
    if (id !== null) this.#answered(id, worker.id)
  }

  /** Of all these, of those that are gone, and of the primary. */
  async collect(workers: readonly Told[]): Promise<readonly Figures[]> {
    const id = this.#ids++
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ANSWER_WITHIN_MS)
      const answered = (): void => {
        clearTimeout(timer)
        resolve()
      }
      this.#questions.set(id, { waiting: new Set(workers.map((worker) => worker.id)), answered })
      for (const worker of workers) worker.tell({ day7: 'tell figures', id })
    })
    this.#questions.delete(id)
    return [...this.#last.values(), await this.#gone, await this.#options.own()]
  }

  /** Its counters stay. */
  left({ id }: Told): void {
    const last = this.#last.get(id)
    this.#last.delete(id)
    for (const question of this.#questions.keys()) this.#answered(question, id)
    if (!last) return
    this.#gone = this.#gone.then((sum) => this.#options.addCounters(sum, last).catch(() => sum))
  }

  #answered(id: number, by: number): void {
    const question = this.#questions.get(id)
    if (!question) return
    question.waiting.delete(by)
    if (question.waiting.size === 0) question.answered()
  }
}
