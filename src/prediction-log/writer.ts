/**
 * The writer: records appended by requests → batches in the sink, off the request's path.
 *
 * One state, and what leads out of it:
 *
 *   connecting    at the start: nothing has been written yet         → writing, backing-off, draining
 *   writing       the last batch was written                         → backing-off, draining
 *   backing-off   the last batch failed; waiting before the next try → writing, backing-off, draining
 *   draining      close() was called: no more records; writes what waits until the deadline → closed
 *   closed        the sink is closed; what could not be written is counted as dropped and logged
 *
 * Records wait in memory and are lost if the process is killed. When `maxWaiting` of them wait, new ones are dropped and
 * counted.
 */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { PredictionRecord } from './record.ts'

export type WriterState = 'connecting' | 'writing' | 'backing-off' | 'draining' | 'closed'

/** Where the writer puts batches. A second call with the same records changes nothing. */
export interface PredictionSink {
  write(records: readonly PredictionRecord[]): Promise<void>
  /** True if the error lies in the records: the same batch would fail again. */
  refuses(error: unknown): boolean
  close(): Promise<void>
}

export interface WriterOptions {
  readonly sink: PredictionSink
  /** Longest time that a record waits while the sink is well. */
  readonly flushIntervalMs: number
  readonly maxWaiting: number
  readonly random: () => number
  readonly logger: WriterLogger
}

export interface WriterLogger {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

export interface WriterStatus {
  readonly state: WriterState
  readonly waiting: number
  readonly dropped: number
  /** The last failure; null once a batch has been written after it. */
  readonly lastError: string | null
}

const MAX_BATCH = 2000
const BACK_OFF = { firstMs: 200, factor: 2, maxMs: 10_000 }
/** A write that hangs for longer counts as failed and is tried again; writing twice does no harm. */
const WRITE_TIMEOUT_MS = 30_000
const WARN_OF_DROPS_EVERY_MS = 60_000
/** An idle log asks the database this often whether it is there, so that readiness tells the truth without traffic. */
const PROBE_EVERY_MS = 5_000

export class Writer {
  readonly #options: WriterOptions
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  #state: WriterState = 'connecting'
  #waiting: PredictionRecord[] = []
  #dropped = 0
  #droppedSaidAt = -Infinity
  #failures = 0
  #lastWriteAt = -Infinity
  #lastError: string | null = null

  constructor(options: WriterOptions) {
    this.#options = options
    this.#running = this.#run()
  }

  /** Costs the request one push. */
  append(record: PredictionRecord): void {
    if (this.#waiting.length < this.#options.maxWaiting && !this.#stop.signal.aborted)
      this.#waiting.push(record)
    else this.#drop(1, 'the buffer is full or the log is closed')
  }

  status(): WriterStatus {
    return {
      state: this.#state,
      waiting: this.#waiting.length,
      dropped: this.#dropped,
      lastError: this.#lastError,
    }
  }

  /** Writes what waits, for at most `graceMs`, then closes the sink. */
  async close(graceMs: number): Promise<void> {
    this.#stop.abort()
    if (this.#state === 'closed') return
    this.#state = 'draining'
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(), graceMs)
    await Promise.race([this.#drain(deadline.signal), once(deadline.signal, 'abort')])
    clearTimeout(timer)
    this.#drop(this.#waiting.splice(0).length, 'the log was closed before they could be written')
    await this.#options.sink.close()
    this.#state = 'closed'
    if (this.#dropped > 0)
      this.#options.logger.error(
        { dropped: this.#dropped },
        'prediction log: closed; in all so many predictions were dropped',
      )
  }

  async #drain(deadline: AbortSignal): Promise<void> {
    await this.#running
    while (this.#waiting.length > 0 && !deadline.aborted) {
      if (await this.#flush(deadline)) continue
      await delay(this.#backOffMs(), undefined, { signal: deadline }).catch(() => {})
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      const written = await this.#flush(signal)
      if (signal.aborted) return
      this.#state = written ? 'writing' : 'backing-off'
      await delay(written ? this.#options.flushIntervalMs : this.#backOffMs(), undefined, { signal }).catch(
        () => {},
      )
    }
  }

  /** Writes all that waits, batch by batch. An empty batch is a probe: it opens the sink before there is traffic. */
  async #flush(signal: AbortSignal): Promise<boolean> {
    try {
      do {
        const batch = this.#waiting.slice(0, MAX_BATCH)
        const probing = this.#state !== 'writing' || performance.now() - this.#lastWriteAt > PROBE_EVERY_MS
        if (batch.length > 0 || probing) await this.#write(batch)
        this.#waiting.splice(0, batch.length)
      } while (this.#waiting.length > 0 && !signal.aborted)
    } catch (error) {
      this.#fail(error)
      return false
    }
    if (this.#lastError !== null) this.#options.logger.info({}, 'prediction log: the database is back')
    this.#failures = 0
    this.#lastError = null
    return true
  }

  /** A batch that the database refuses for its content is halved until the record at fault stands alone. */
  async #write(batch: readonly PredictionRecord[]): Promise<void> {
    const { sink, logger } = this.#options
    try {
      await withTimeout(sink.write(batch), WRITE_TIMEOUT_MS)
      this.#lastWriteAt = performance.now()
    } catch (error) {
      if (!sink.refuses(error)) throw error
      if (batch.length > 1) {
        const half = batch.length >>> 1
        await this.#write(batch.slice(0, half))
        await this.#write(batch.slice(half))
        return
      }
      this.#dropped += batch.length
      logger.error(
        { err: error, predictionId: batch[0]?.predictionId },
        'prediction log: the database refuses this record',
      )
    }
  }

  #fail(error: unknown): void {
    // The first failure is news; the following ones are the same news.
    if (this.#failures++ === 0)
      this.#options.logger.warn({ err: error }, 'prediction log: cannot write, will try again')
    this.#lastError = reasonOf(error)
  }

  #backOffMs(): number {
    const { firstMs, factor, maxMs } = BACK_OFF
    const longest = Math.min(maxMs, firstMs * factor ** Math.max(0, this.#failures - 1))
    return longest * (0.5 + this.#options.random() / 2)
  }

  #drop(count: number, why: string): void {
    if (count === 0) return
    this.#dropped += count
    const now = performance.now()
    if (now - this.#droppedSaidAt < WARN_OF_DROPS_EVERY_MS) return
    this.#droppedSaidAt = now
    this.#options.logger.error({ dropped: this.#dropped }, `prediction log: predictions are dropped: ${why}`)
  }
}

async function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const done = new AbortController()
  const timeout = delay(timeoutMs, undefined, { signal: done.signal, ref: false }).then(() => {
    throw new Error(`expected the database to answer within ${timeoutMs} ms`)
  })
  timeout.catch(() => {}) // it is not awaited when the work wins
  try {
    return await Promise.race([work, timeout])
  } finally {
    done.abort()
  }
}

/** The code where there is one (ECONNREFUSED, 28P01): it is shown to callers, and messages may name users and hosts. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error)
}
