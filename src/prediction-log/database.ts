/**
 * The database behind the log: segments → rows, questions → answers. One SQL, whether the server is a real one or the embedded
 * one. Opens by itself, migrates, and opens again after a loss. Every call may throw, and none takes longer than its timeout.
 */
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import postgres, { type Sql, type TransactionSql } from 'postgres'
import { Connections, type DatabaseLocation, type Purpose, transact } from '../database/index.ts'
import { NINE_FIELDS } from '../inputs/index.ts'
import { shipSegment, type Shipment } from './shipment.ts'
import { ShippingOrder, type Turn } from './shipping-order.ts'
import { rewriteNineColumns } from './spool/nine-columns.ts'
import { timeOf } from './spool/line.ts'
import { hasNineColumns } from './spool/owner.ts'
import { readSchema } from './spool/schema-documents.ts'
import {
  ADD_LATE_SHADOWS,
  COUNT_INCOMING,
  CREATE_INCOMING,
  INSERT_PLAIN,
  LEAVE_OUT_ERASED,
  MAKE_PARTITIONS,
  NO_ERASURE_NOW,
} from './tables/predictions.ts'
import { type Accuracy, type AccuracyQuery, queryAccuracy } from './tables/accuracy.ts'
import { addKey, listKeys, revokeKey, type StoredKey } from './tables/api-keys.ts'
import { type CohortQuery, type Cohorts, queryCohorts } from './tables/cohorts.ts'
import { type Erasure, eraseUsers } from './tables/erasure.ts'
import { type ExperimentQuery, type ExperimentRows, queryExperiment } from './tables/experiments.ts'
import { settle } from './tables/installs.ts'
import { registerSchemas, type SchemaOf } from './tables/input-schemas.ts'
import {
  insertModelEvents,
  type ModelEvent,
  queryModelEvents,
  type ToldEvent,
} from './tables/model-events.ts'
import { type Outcome, upsertOutcomes } from './tables/outcomes.ts'
import { queryRecent, type Recent, type RecentQuery } from './tables/recent.ts'
import {
  adoptSettings,
  keepSplit,
  type KeptSplit,
  latestSplit,
  type Split,
  type SplitOrigin,
} from './tables/rollout-settings.ts'
import { type Spend, upsertSpend } from './tables/spend.ts'
import { queryStatistics, type Statistics, type StatisticsQuery } from './tables/statistics.ts'
import {
  queryTrainingDays,
  queryTrainingRows,
  type TrainingDays,
  type TrainingPage,
  type TrainingPeriod,
  type TrainingRow,
} from './tables/training-data.ts'

const TIMEOUTS_MS = {
  shipment: 30_000,
  probe: 10_000,
  maintenance: 120_000,
  settling: 120_000,
  events: 10_000,
  split: 10_000,
  keys: 10_000,
  statistics: 5_000,
  recent: 5_000,
  accuracy: 60_000,
  experiment: 60_000,
  trainingData: 60_000,
  cohorts: 10_000,
  outcomes: 10_000,
  erasure: 120_000,
}
/** Dropping a partition locks the log for a moment: rather later than behind a long query. */
const MAINTENANCE_LOCK_TIMEOUT = '2s'

export class Database {
  readonly #connections: Connections
  readonly #order = new ShippingOrder()

  constructor(location: DatabaseLocation) {
    this.#connections = new Connections(location)
  }

  /** May be called while another shipment is under way: they are stored in the order of the calls. */
  ship(path: string): Promise<Shipment> {
    const schemaOf: SchemaOf = async (id) =>
      id === NINE_FIELDS.id ? NINE_FIELDS : readSchema(dirname(path), id)
    return this.#order.run(async (turn) => {
      const notes = new Set<string>()
      let erased = 0
      const shipment = await shipSegment(path, {
        keep: async (lines) => {
          const whole = hasNineColumns(path) ? rewriteNineColumns(lines) : lines
          const kept = await this.keep(whole, schemaOf, turn)
          erased += kept.erased
          for (const note of kept.notes) notes.add(note)
        },
        refuses: mayBeOfTheLines,
        tryPlain: (lines) => this.#tryPlain(lines),
      })
      return { ...shipment, erased, notes: [...notes] }
    })
  }

  /**
   * One transaction: `copy` into a temporary table, and from there what is not there yet, with its statistics.
   * @returns how many lines were left out because their users were erased, and what went wrong beside the lines
   */
  async keep(
    lines: AsyncIterable<Buffer>,
    schemaOf: SchemaOf,
    turn?: Turn,
  ): Promise<{ readonly erased: number; readonly notes: readonly string[] }> {
    const kept = this.#transact('shipping', TIMEOUTS_MS.shipment, async (transaction) => {
      await transaction.unsafe(CREATE_INCOMING)
      await copyFrom(lines, transaction)
      await turn?.insertNext()
      // Not before: an erasure that waits for this lock would hold up the shipment that this one waits for.
      await transaction.unsafe(NO_ERASURE_NOW)
      const { count: erased } = await transaction.unsafe(LEAVE_OUT_ERASED)
      await transaction.unsafe(MAKE_PARTITIONS)
      const notes = await registerSchemas(transaction, schemaOf)
      await transaction.unsafe(COUNT_INCOMING)
      await transaction.unsafe(ADD_LATE_SHADOWS)
      return { erased, notes }
    })
    kept.catch(() => turn?.giveUp())
    return kept
  }

  /** @throws TableRefusesError if the table takes no plain record of that time; nothing is kept of those that it takes */
  async #tryPlain(lines: readonly Buffer[]): Promise<void> {
    for (const line of lines)
      try {
        await this.#transact('shipping', TIMEOUTS_MS.shipment, async (transaction) => {
          const time = new Date(timeOf(line) || Date.now())
          await transaction`select day7_make_partition((${time}::timestamptz at time zone 'UTC')::date)`
          await transaction.unsafe(INSERT_PLAIN, [time])
          throw new TakenBack()
        })
      } catch (error) {
        if (mayBeOfTheLines(error)) throw new TableRefusesError(error as Error)
        if (!(error instanceof TakenBack)) throw error
      }
  }

  /** @returns what the database's clock says */
  async probe(): Promise<Date> {
    const [{ clock }] = await this.#use(
      'shipping',
      TIMEOUTS_MS.probe,
      (sql) => sql<[{ clock: Date }]>`select clock_timestamp() as clock`,
    )
    return clock
  }

  /** Makes partitions ahead of today and drops those that are too old, by the database's clock. */
  async maintain(retentionDays: number): Promise<void> {
    await this.#transact('shipping', TIMEOUTS_MS.maintenance, async (transaction) => {
      await transaction.unsafe(`set local lock_timeout = '${MAINTENANCE_LOCK_TIMEOUT}'`)
      await transaction`select day7_maintain((now() at time zone 'UTC')::date, ${retentionDays})`
    })
  }

  /** Brings installs up with predictions and outcomes. @returns whether more is waiting */
  settle(): Promise<boolean> {
    return this.#transact('settling', TIMEOUTS_MS.settling, settle)
  }

  recordModelEvents(events: readonly ModelEvent[]): Promise<void> {
    return this.#use('control', TIMEOUTS_MS.events, (sql) => insertModelEvents(sql, events))
  }

  statistics(query: StatisticsQuery): Promise<Statistics> {
    return this.#ask('questions', TIMEOUTS_MS.statistics, (sql) => queryStatistics(sql, query))
  }

  recent(query: RecentQuery): Promise<Recent> {
    return this.#ask('questions', TIMEOUTS_MS.recent, (sql) => queryRecent(sql, query))
  }

  modelEvents(atMost: number): Promise<ToldEvent[]> {
    return this.#ask('questions', TIMEOUTS_MS.events, (sql) => queryModelEvents(sql, atMost))
  }

  accuracy(query: AccuracyQuery): Promise<Accuracy> {
    return this.#ask('reports', TIMEOUTS_MS.accuracy, (sql) => queryAccuracy(sql, query))
  }

  experiment(query: ExperimentQuery): Promise<ExperimentRows> {
    return this.#ask('reports', TIMEOUTS_MS.experiment, (sql) => queryExperiment(sql, query))
  }

  trainingDays(period: TrainingPeriod): Promise<TrainingDays> {
    return this.#ask('reports', TIMEOUTS_MS.trainingData, (sql) => queryTrainingDays(sql, period))
  }

  trainingRows(page: TrainingPage): Promise<TrainingRow[]> {
    return this.#ask('reports', TIMEOUTS_MS.trainingData, (sql) => queryTrainingRows(sql, page))
  }

  cohorts(query: CohortQuery): Promise<Cohorts> {
    return this.#ask('questions', TIMEOUTS_MS.cohorts, (sql) => queryCohorts(sql, query))
  }

  recordSpend(spend: readonly Spend[]): Promise<void> {
    return this.#use('control', TIMEOUTS_MS.outcomes, (sql) => upsertSpend(sql, spend))
  }

  recordOutcomes(outcomes: readonly Outcome[]): Promise<void> {
    return this.#use('control', TIMEOUTS_MS.outcomes, (sql) => upsertOutcomes(sql, outcomes))
  }

  eraseUsers(userIds: readonly string[]): Promise<Erasure[]> {
    return this.#use('control', TIMEOUTS_MS.erasure, (sql) => eraseUsers(sql, userIds))
  }

  adoptSplit(settings: Split, host: string): Promise<KeptSplit> {
    return this.#use('control', TIMEOUTS_MS.split, (sql) => adoptSettings(sql, settings, host))
  }

  latestSplit(): Promise<KeptSplit | null> {
    return this.#use('control', TIMEOUTS_MS.split, (sql) => latestSplit(sql))
  }

  keepSplit(split: Partial<Split>, otherwise: Split, origin: SplitOrigin, host: string): Promise<KeptSplit> {
    return this.#use('control', TIMEOUTS_MS.split, (sql) => keepSplit(sql, split, otherwise, origin, host))
  }

  listKeys(): Promise<StoredKey[]> {
    return this.#use('control', TIMEOUTS_MS.keys, (sql) => listKeys(sql))
  }

  addKey(key: StoredKey, replaced: { readonly id: string; readonly expires: Date } | null): Promise<boolean> {
    return this.#use('control', TIMEOUTS_MS.keys, (sql) => addKey(sql, key, replaced))
  }

  revokeKey(id: string, time: Date): Promise<StoredKey | null> {
    return this.#use('control', TIMEOUTS_MS.keys, (sql) => revokeKey(sql, id, time))
  }

  async close(timeoutMs: number): Promise<void> {
    await this.#connections.close(timeoutMs)
  }

  /** In one transaction, whose statements the server ends in time. */
  #transact<T>(
    purpose: Purpose,
    timeoutMs: number,
    work: (transaction: TransactionSql) => Promise<T>,
  ): Promise<T> {
    return this.#connections.use(purpose, timeoutMs, (sql) =>
      transact(sql, async (transaction) => {
        await transaction.unsafe(settingsOf(timeoutMs))
        return work(transaction)
      }),
    )
  }

  /** A question, of which nothing needs to be committed. */
  #ask<T>(purpose: Purpose, timeoutMs: number, question: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#connections.use(purpose, timeoutMs, async (sql) => {
      const answer = await sql.begin('read only', async (transaction) => {
        await transaction.unsafe(settingsOf(timeoutMs))
        // It has all that a question uses of it.
        return question(transaction as unknown as Sql)
      })
      return answer as T
    })
  }

  #use<T>(purpose: Purpose, timeoutMs: number, work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#connections.use(purpose, timeoutMs, work)
  }
}

/**
 * Settings of one transaction. The server ends it when its client has fallen silent: the rows that it has locked would hold up every later shipment.
 * Doubles are read whole whatever the role or the database has; a pooler refuses such settings at the start of a connection.
 */
const settingsOf = (timeoutMs: number): string => `
  select set_config('statement_timeout', '${timeoutMs}', true), set_config('idle_in_transaction_session_timeout', '${timeoutMs}', true),
    set_config('extra_float_digits', '1', true)`

/** SQLSTATE classes 22 (data exception) and 23 (integrity violation). A table that refuses everything has them, too. */
function mayBeOfTheLines(error: unknown): boolean {
  return error instanceof postgres.PostgresError && /^2[23]/.test(error.code)
}

/** Rolls a trial back. */
class TakenBack extends Error {
  readonly code = 'TAKEN_BACK'
}

class TableRefusesError extends Error {
  readonly code = 'TABLE_REFUSES'
  override readonly name = 'TableRefusesError'

  constructor(cause: Error) {
    super(`expected the table predictions to take a plain record, got: ${cause.message}`, { cause })
  }
}

/** An error that comes after the last byte, postgres.js gives to the query, which was answered with the stream long before. */
async function copyFrom(lines: AsyncIterable<Buffer>, transaction: TransactionSql): Promise<void> {
  const query = transaction.unsafe('copy day7_incoming_5 from stdin')
  const rows = await query.writable()
  const lateError = new Promise<never>((_, reject) => Object.assign(query, { reject }))
  const copied = pipeline(Readable.from(lines), rows)
  copied.catch(() => {}) // where the late error is first
  await Promise.race([copied, lateError])
}
