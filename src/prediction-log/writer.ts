/**
 * The writer: segments of the spool → the sink, oldest first, off the requests' path.
 *
 * One state, and what leads out of it:
 *
 *   connecting    at the start: the sink has not answered yet            → shipping, backing-off, draining
 *   shipping      the sink took what it was given, or had nothing to take → backing-off, draining
 *   backing-off   the last shipment failed and the circuit is open: nothing is tried until a growing, jittered pause is over,
 *                 then one shipment → shipping, backing-off, draining
 *   draining      close() was called: ships what is left until the deadline → closed
 *   closed        nothing is shipped any more; what is left stays in the spool for the next process
 *
 * A segment is removed only after the sink has kept it. So one may be shipped twice; the sink keeps each record once.
 */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import {
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleAll,
  isBrokenCircuitError,
} from 'cockatiel'
import type { LogLogger } from './logger.ts'
import { reasonOf } from './reason.ts'
import { type Shipment, UNREADABLE } from './shipment.ts'
import type { Segment, Spool } from './spool/spool.ts'

export type WriterState = 'connecting' | 'shipping' | 'backing-off' | 'draining' | 'closed'

/** Where the writer ships to. A segment that comes again changes nothing. No call hangs. */
export interface PredictionSink {
  /** Keeps what is whole in the file, or throws and keeps none of it. Called again before it has ended, it keeps the files in that order. */
  ship(path: string): Promise<Shipment>
  /** Is it there? Throws if it is not. It takes the events that wait. */
  probe(): Promise<void>
  /** Whether something waits for it that is in no segment. */
  hasEvents(): boolean
  /** What is due from time to time while all is well. */
  maintain(): Promise<void>
}

export interface WriterOptions {
  readonly spool: Spool
  readonly sink: PredictionSink
  /** Longest time that a record waits while the sink is well. */
  readonly flushIntervalMs: number
  readonly logger: LogLogger
}

export interface WriterStatus {
  readonly state: WriterState
  /** Records that the sink was given since the start, and those that could not be given: no whole records, or refused. */
  readonly shipped: number
  readonly quarantined: number
  /** Of those shipped, records that were left out because their users were erased. */
  readonly erased: number
  /** Of attempts at the sink: while it is open there are none. */
  readonly breaker: Breaker
  /** Attempts that failed. */
  readonly failures: number
  /** Segments that the sink took, and the time that it needed for them. */
  readonly shipments: { readonly count: number; readonly seconds: number }
  /** The code of the last failure, or its message; null while all is well. */
  readonly lastError: string | null
}

const BREAKER = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Isolated]: 'open',
} as const

export type Breaker = (typeof BREAKER)[CircuitState]

/** The first pause of the circuit breaker and its longest; in between decorrelated jitter spreads the attempts of many. */
const BACK_OFF = { initialDelay: 200, maxDelay: 10_000 }
/** An idle log asks the sink this often whether it is there, so that readiness tells the truth without traffic. */
const PROBE_EVERY_MS = 5_000
const MAINTAIN_EVERY_MS = 3_600_000
/** So often it looks for what processes that are gone have left. */
const ADOPT_EVERY_MS = 30_000
/** The sink copies one while it inserts another. */
const SHIPPED_AT_ONCE = 2
/** Of records that are refused together, the reason is mostly the same. */
const SHOWN_REFUSALS = 5

export class Writer {
  readonly #options: WriterOptions
  readonly #stop = new AbortController()
  readonly #breaker: CircuitBreakerPolicy
  readonly #running: Promise<void>
  #state: WriterState = 'connecting'
  #shipped = 0
  #quarantined = 0
  #erased = 0
  #failures = 0
  #shipments = { count: 0, seconds: 0 }
  #lastError: string | null = null
  #lastContactMs = -Infinity
  #lastMaintenanceMs = -Infinity
  #lastAdoptionMs = -Infinity
  #round: Promise<boolean> | undefined

  constructor(options: WriterOptions) {
    this.#options = options
    this.#breaker = circuitBreaker(handleAll, {
      halfOpenAfter: new ExponentialBackoff(BACK_OFF),
      breaker: new ConsecutiveBreaker(1),
    })
    this.#running = this.#run()
  }

  status(): WriterStatus {
    return {
      state: this.#state,
      shipped: this.#shipped,
      quarantined: this.#quarantined,
      erased: this.#erased,
      breaker: BREAKER[this.#breaker.state],
      failures: this.#failures,
      shipments: { ...this.#shipments },
      lastError: this.#lastError,
    }
  }

  /** Ships all that was appended before. @returns false if the sink did not take it */
  async flush(): Promise<boolean> {
    await this.#round
    return this.#shipAll(this.#stop.signal)
  }

  /** Ships what is left, for at most `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#stop.abort()
    this.#state = 'draining'
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(), graceMs)
    await Promise.race([this.#drain(deadline.signal), once(deadline.signal, 'abort')])
    clearTimeout(timer)
    this.#state = 'closed'
  }

  async #drain(deadline: AbortSignal): Promise<void> {
    await this.#running
    const { spool, flushIntervalMs } = this.#options
    while (spool.status().bytes > 0 && !deadline.aborted)
      if (!(await this.#shipAll(deadline))) await pause(flushIntervalMs, deadline)
    // Events are worth one attempt, but no waiting.
    if (this.#options.sink.hasEvents()) await this.#shipAll(deadline)
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      const well = await this.#shipAll(signal)
      if (signal.aborted) return
      if (!well) this.#state = 'backing-off'
      await pause(this.#options.flushIntervalMs, signal)
    }
  }

  /** One round at a time: the pauses between attempts are the breaker's. */
  #shipAll(signal: AbortSignal): Promise<boolean> {
    return (this.#round ??= this.#tryToShipAll(signal).finally(() => (this.#round = undefined)))
  }

  async #tryToShipAll(signal: AbortSignal): Promise<boolean> {
    const { spool, logger } = this.#options
    try {
      await this.#adopt()
      // Throws while the circuit is open, before a segment is closed: until then it is left to grow.
      await this.#breaker.execute(() => this.#keepInTouch())
      await this.#shipSegments(signal)
    } catch (error) {
      if (isBrokenCircuitError(error)) return false
      this.#failures++
      const reason = reasonOf(error)
      if (this.#lastError !== reason)
        logger.warn({ err: error, spool: spool.status() }, 'prediction log: cannot ship, will try again')
      this.#lastError = reason
      return false
    }
    this.#beWell()
    return true
  }

  /** A round may take hours, after an outage: it is told at once that something was taken. */
  #beWell(): void {
    if (this.#lastError !== null) this.#options.logger.info({}, 'prediction log: the database is back')
    this.#lastError = null
    if (this.#state === 'connecting' || this.#state === 'backing-off') this.#state = 'shipping'
  }

  /** Those that wait now: what is appended meanwhile is the next round's. Two at a time, which the sink stores in this order. */
  async #shipSegments(signal: AbortSignal): Promise<void> {
    const waiting = await this.#options.spool.waiting()
    const shipEach = async (): Promise<void> => {
      for (let next; !signal.aborted && (next = waiting.shift());) {
        const segment = next
        await this.#breaker
          .execute(() => this.#ship(segment))
          .catch((error: unknown) => {
            waiting.length = 0 // the first failure ends the round
            throw error
          })
      }
    }
    const results = await Promise.allSettled(Array.from({ length: SHIPPED_AT_ONCE }, shipEach))
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  async #ship(segment: Segment): Promise<void> {
    const { spool, sink, logger } = this.#options
    const startMs = performance.now()
    let shipment: Shipment
    try {
      shipment = await sink.ship(segment.path)
    } catch (error) {
      if ((error as { code?: unknown }).code !== UNREADABLE) throw error
      logger.error(
        { err: error },
        'prediction log: a segment cannot be read; it is set aside in the quarantine folder',
      )
      this.#quarantined++
      return spool.setAside(segment)
    }
    const { count, erased, bad, refusals, tornBytes, notes } = shipment
    this.#shipped += count
    this.#lastContactMs = performance.now()
    this.#beWell()
    this.#shipments.count++
    this.#shipments.seconds += (this.#lastContactMs - startMs) / 1000
    const details = { segment: segment.path, shipped: count }
    this.#erased += erased
    if (erased > 0)
      logger.info({ ...details, erased }, 'prediction log: left out predictions of erased users')
    for (const note of notes) logger.warn(details, `prediction log: ${note}`)
    if (tornBytes > 0) logger.warn({ ...details, tornBytes }, 'prediction log: cut the torn end of a segment')
    if (bad.length === 0) return spool.remove(segment)
    this.#quarantined += bad.length
    const bytes = bad.reduce((sum, part) => sum + part.length, 0)
    logger.error(
      { ...details, parts: bad.length, bytes, refusals: refusals.slice(0, SHOWN_REFUSALS) },
      'prediction log: a segment held bytes that are no records, or records that the database refuses; they are in its quarantine folder',
    )
    await spool.quarantine(segment, bad)
  }

  async #keepInTouch(): Promise<void> {
    const { sink, logger } = this.#options
    const now = performance.now()
    if (
      this.#state === 'connecting' ||
      now - this.#lastContactMs > PROBE_EVERY_MS ||
      sink.hasEvents() ||
      this.#lastError !== null
    ) {
      await sink.probe()
      this.#lastContactMs = now
    }
    if (now - this.#lastMaintenanceMs > MAINTAIN_EVERY_MS) {
      this.#lastMaintenanceMs = now
      // Nothing that has to wait for it: it is tried again in an hour.
      await sink
        .maintain()
        .catch((error: unknown) => logger.warn({ err: error }, 'prediction log: maintenance failed'))
    }
  }

  async #adopt(): Promise<void> {
    const now = performance.now()
    if (now - this.#lastAdoptionMs < ADOPT_EVERY_MS) return
    this.#lastAdoptionMs = now
    const { spool, logger } = this.#options
    try {
      const segments = await spool.adopt()
      if (segments > 0)
        logger.info({ segments }, 'prediction log: took over what another process left in the spool')
    } catch (error) {
      logger.error({ err: error }, 'prediction log: cannot look for what was left in the spool')
    }
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => {})
