/**
 * The prediction log: a prediction that was appended is in PostgreSQL exactly once, sooner or later. Opening it waits for nothing:
 * the service answers while the database is away, and the writer catches up.
 */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { DatabaseLocation } from '../database/index.ts'
import type { LogLogger } from './logger.ts'
import { reasonOf } from './reason.ts'
import { type PredictionRecord, SHADOW, type ShadowRecord } from './record.ts'
import type { Spooled } from './spool/line-buffer.ts'
import { eraseFromQuarantine } from './spool/quarantine.ts'
import { RemoteDatabase } from './remote-database.ts'
import { Settling } from './settling.ts'
import { Spool, type SpoolOptions, type SpoolStatus } from './spool/spool.ts'
import type { Accuracy, AccuracyQuery } from './tables/accuracy.ts'
import type { StoredKey } from './tables/api-keys.ts'
import type { CohortQuery, Cohorts } from './tables/cohorts.ts'
import type { Erasure } from './tables/erasure.ts'
import type { ExperimentQuery, ExperimentRows } from './tables/experiments.ts'
import type { ModelEvent, ToldEvent } from './tables/model-events.ts'
import type { Outcome } from './tables/outcomes.ts'
import type { Recent, RecentQuery } from './tables/recent.ts'
import type { KeptSplit, Split, SplitOrigin } from './tables/rollout-settings.ts'
import type { Spend } from './tables/spend.ts'
import type { Statistics, StatisticsQuery } from './tables/statistics.ts'
import type { TrainingDays, TrainingPage, TrainingPeriod, TrainingRow } from './tables/training-data.ts'
import { Writer, type WriterStatus } from './writer.ts'

export interface PredictionLogOptions extends Omit<SpoolOptions, 'logger' | 'folder'> {
  /** The spool and the embedded database lie in it. */
  readonly dataFolder: string
  readonly database: { readonly url: string } | 'embedded'
  readonly flushIntervalMs: number
  /** What becomes of a prediction that cannot be kept: it is answered and counted as dropped, or not answered. */
  readonly whenFull: 'drop' | 'reject'
  readonly retentionDays: number
  /** Of this process, for events. */
  readonly host: string
  readonly now: () => Date
  readonly logger: LogLogger
  /** Begins a span of that name; what it returns ends it. Absent: there are no traces. */
  readonly startSpan?: ((name: string) => (error?: unknown) => void) | undefined
}

export interface PredictionLogStatus extends Omit<WriterStatus, 'state'> {
  readonly state: WriterStatus['state'] | 'off'
  readonly spool: SpoolStatus
  /** Records since the start that are safe in the spool, and those that were answered but could not be kept. */
  readonly spooled: number
  readonly dropped: number
  /** How far the clock here is ahead of the database's; null: not known yet. */
  readonly clockOffsetMs: number | null
}

/** Whether nothing that deletes should go by it, and people should be told. */
export const isClockWrong = (offsetMs: number | null): boolean => Math.abs(offsetMs ?? 0) > CLOCK_BOUND_MS
const CLOCK_BOUND_MS = 60_000

export interface PredictionLog {
  /**
   * Resolves when the records outlive the process; only then may they be answered. All or none are kept.
   * @throws LogFullError if they cannot be kept and are not to be dropped
   */
  append(records: readonly PredictionRecord[]): Promise<void>
  /** Beside their predictions, which were appended before. Never fails: what cannot be kept is counted as dropped. */
  recordShadows(shadows: readonly ShadowRecord[]): void
  /** Written when the database is there. */
  recordModelEvent(event: ModelEvent): void
  /** Written at once: whoever tells it hears that it is kept. */
  keepModelEvent(event: ModelEvent): Promise<void>
  /** These and the one above throw LogUnavailableError while the database cannot be asked. */
  statistics(query: StatisticsQuery): Promise<Statistics>
  /** How the latest predictions are distributed. */
  recent(query: RecentQuery): Promise<Recent>
  /** What happened to models, latest first. */
  modelEvents(atMost: number): Promise<readonly ToldEvent[]>
  accuracy(query: AccuracyQuery): Promise<Accuracy>
  /** What champion and challenger said, for a comparison. */
  experiment(query: ExperimentQuery): Promise<ExperimentRows>
  /** What training data there is, by day. */
  trainingDays(period: TrainingPeriod): Promise<TrainingDays>
  trainingRows(page: TrainingPage): Promise<readonly TrainingRow[]>
  cohorts(query: CohortQuery): Promise<Cohorts>
  recordSpend(spend: readonly Spend[]): Promise<void>
  recordOutcomes(outcomes: readonly Outcome[]): Promise<void>
  /** All or none. @returns what was erased of each, in their order */
  eraseUsers(userIds: readonly string[]): Promise<readonly Erasure[]>
  /** API keys that are kept in the database, revoked ones too. */
  listKeys(): Promise<StoredKey[]>
  /** How traffic is split, for all processes that share the database. */
  readonly splits: SplitCalls
  status(): PredictionLogStatus
  close(graceMs: number): Promise<void>
}

/** Each throws LogUnavailableError while the database cannot be asked. */
export interface SplitCalls {
  /** Keeps settings where nothing was kept before, or other settings. @returns what is in force */
  adopt(settings: Split): Promise<KeptSplit>
  /** @returns null if nothing was ever kept */
  latest(): Promise<KeptSplit | null>
  /** @param split what it leaves out stays as it is in force, or as in `otherwise` where nothing was kept */
  keep(split: Partial<Split>, otherwise: Split, origin: SplitOrigin): Promise<KeptSplit>
}

export class LogUnavailableError extends Error {
  readonly code = 'PREDICTION_LOG_UNAVAILABLE'
  override readonly name = 'LogUnavailableError'
}

export class LogFullError extends Error {
  readonly code = 'PREDICTION_LOG_FULL'
  override readonly name = 'LogFullError'
}

/** Records that are written together. */
interface Turn {
  readonly written: Promise<void>
  readonly settled: Promise<void>
  records: number
}

const WARN_OF_DROPS_EVERY_MS = 60_000
/** Of the time to close, what the database client and the embedded database may take at the end. */
const CLOSING_SHARE = 0.2

export function openPredictionLog(options: PredictionLogOptions): PredictionLog {
  const { logger, now, whenFull, host, startSpan } = options
  const spoolFolder = join(options.dataFolder, 'spool')
  const location: DatabaseLocation =
    options.database === 'embedded' ? { dataFolder: options.dataFolder } : options.database
  const database = new RemoteDatabase(location)
  const spool = new Spool({ ...options, folder: spoolFolder })
  const events: ModelEvent[] = []
  let spooled = 0
  let dropped = 0
  let saidAt = -Infinity
  let turn: Turn | undefined
  let clockOffsetMs: number | null = null

  const writer = new Writer({
    spool,
    flushIntervalMs: options.flushIntervalMs,
    logger,
    sink: {
      async ship(path) {
        await writeEvents()
        return spanning('database ship', () => database.call('ship', path))
      },
      async probe() {
        const askedMs = now().getTime()
        const clock = await database.call('probe')
        watchClock((askedMs + now().getTime()) / 2 - clock.getTime())
        await writeEvents()
      },
      hasEvents: () => events.length > 0,
      maintain: async () => {
        if (!isClockWrong(clockOffsetMs)) await database.call('maintain', options.retentionDays)
      },
    },
  })

  const settling = new Settling({ settle: () => database.call('settle'), logger })

  function watchClock(offsetMs: number): void {
    if (isClockWrong(offsetMs) && !isClockWrong(clockOffsetMs))
      logger.error(
        { clockOffsetMs: offsetMs },
        'prediction log: the clock of this host is not that of the database; predictions get a wrong time, and no old ones are dropped from here',
      )
    clockOffsetMs = offsetMs
  }

  async function writeEvents(): Promise<void> {
    if (events.length === 0) return
    const some = events.slice()
    try {
      await database.call('recordModelEvents', some)
    } catch (error) {
      // No event stands in the way of a prediction.
      if (isOfTheDatabase(error)) throw error
      logger.error({ err: error, events: some }, 'prediction log: the database refuses events; they are lost')
    }
    events.splice(0, some.length)
  }

  /** What becomes of all that one write takes with it is decided once. */
  function beginTurn(written: Promise<void>): Turn {
    const turn: Turn = { written, records: 0, settled: written.then(succeed, fail) }
    function succeed(): void {
      spooled += turn.records
    }
    function fail(cause: unknown): void {
      if (whenFull === 'drop') return drop(turn.records, cause)
      throw new LogFullError(`the prediction cannot be logged, so it is not answered: ${reasonOf(cause)}`, {
        cause,
      })
    }
    return turn
  }

  function drop(count: number, cause: unknown): void {
    dropped += count
    if (performance.now() - saidAt < WARN_OF_DROPS_EVERY_MS) return
    saidAt = performance.now()
    logger.error({ err: cause, dropped }, 'prediction log: predictions are answered but not kept')
  }

  function spanning<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (!startSpan) return work()
    const endSpan = startSpan(name)
    const done = work()
    done.then(() => endSpan(), endSpan)
    return done
  }

  function whyNotFlushed(): string {
    const { lastError } = writer.status()
    return lastError === null
      ? 'the prediction log cannot empty its spool'
      : (WHY[lastError] ?? `${UNREACHABLE}: ${lastError}`)
  }

  async function whenThere<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (cause) {
      if (!isOfTheDatabase(cause)) throw cause
      throw new LogUnavailableError(WHY[(cause as { code: string }).code] ?? UNREACHABLE, { cause })
    }
  }

  return {
    append(records) {
      const written = spool.append(records)
      if (turn?.written !== written) turn = beginTurn(written)
      turn.records += records.length
      const { settled } = turn
      return startSpan ? spanning('spool append', () => settled) : settled
    },
    recordShadows(shadows) {
      const records = shadows.map(lineOf)
      spool.append(records).catch((cause: unknown) => drop(records.length, cause))
    },
    recordModelEvent: (event) => void events.push(event),
    keepModelEvent: (event) => whenThere(database.call('recordModelEvents', [event])),
    statistics: (query) => whenThere(database.call('statistics', query)),
    recent: (query) => whenThere(database.call('recent', query)),
    modelEvents: (atMost) => whenThere(database.call('modelEvents', atMost)),
    async accuracy(query) {
      await settling.upToNow()
      return whenThere(database.call('accuracy', query))
    },
    experiment: (query) => whenThere(database.call('experiment', query)),
    async trainingDays(period) {
      await settling.upToNow()
      return whenThere(database.call('trainingDays', period))
    },
    trainingRows: (page) => whenThere(database.call('trainingRows', page)),
    async cohorts(query) {
      await settling.upToNow()
      return whenThere(database.call('cohorts', query))
    },
    recordSpend: (spend) => whenThere(database.call('recordSpend', spend)),
    recordOutcomes: (outcomes) => whenThere(database.call('recordOutcomes', outcomes)),
    async eraseUsers(userIds) {
      // What waits here is shipped first, so that it is counted and leaves the disk.
      if (!(await writer.flush())) throw new LogUnavailableError(whyNotFlushed())
      const erased = await whenThere(database.call('eraseUsers', userIds))
      if (!(await writer.flush())) throw new LogUnavailableError(whyNotFlushed())
      await eraseFromQuarantine(spoolFolder, userIds)
      return erased
    },
    listKeys: () => whenThere(database.call('listKeys')),
    splits: {
      adopt: (settings) => whenThere(database.call('adoptSplit', settings, host)),
      latest: () => whenThere(database.call('latestSplit')),
      keep: (split, otherwise, origin) =>
        whenThere(database.call('keepSplit', split, otherwise, origin, host)),
    },
    status: () => ({ ...writer.status(), spool: spool.status(), spooled, dropped, clockOffsetMs }),
    async close(graceMs) {
      const settled = settling.stop()
      await writer.close(graceMs * (1 - CLOSING_SHARE))
      await spool.close()
      // What is not settled yet, the next process settles.
      await Promise.race([settled, delay(graceMs * CLOSING_SHARE, undefined, { ref: false })])
      await database.close(graceMs * CLOSING_SHARE)
      const { bytes } = spool.status()
      if (bytes > 0) logger.warn({ bytes }, 'prediction log: closed; the spool keeps what was not shipped')
      if (dropped > 0)
        logger.error({ dropped }, 'prediction log: closed; in all so many predictions were dropped')
    },
  }
}

const UNREACHABLE = 'the prediction log cannot reach its database'
/** By the code of the error. */
const WHY: Readonly<Record<string, string>> = {
  DATABASE_BUSY: 'the prediction log has as many questions as it answers at once: ask again',
  DATABASE_TIMEOUT: 'the database of the prediction log did not answer in time',
  42501:
    'the role of the prediction log may not do this in its database: `day7 migrate --grant ROLE`, as the owner, lets it',
  57014: 'the database of the prediction log needed longer than this question may take',
}

/** A shadow travels as a prediction of its own, with the id of the one that it belongs to. */
function lineOf({ revenue, ...shadow }: ShadowRecord): Spooled {
  return { ...shadow, inputs: null, row: [], predictedRevenue: revenue, variant: SHADOW }
}

/** SQLSTATE classes 20 to 27 without 25, and 42 without a missing privilege, are of the question itself; other errors with a code are of the database. */
function isOfTheDatabase(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && !/^(2[0-46-7][0-9A-Z]{3}|42(?!501)[0-9A-Z]{3})$/.test(code)
}
