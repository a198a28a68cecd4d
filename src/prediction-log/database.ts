/**
 * The database behind the log: records → rows, rows → statistics. One client (`postgres`), one SQL, whether the server is a
 * real one or the embedded one. Opens by itself, and again after a loss; every call may throw while the server is away.
 */
import postgres, { type Sql } from 'postgres'
import { type EmbeddedDatabase, openEmbeddedDatabase } from './embedded.ts'
import { migrate } from './migrate.ts'
import type { PredictionRecord } from './record.ts'
import { queryStatistics, type Statistics } from './statistics.ts'
import type { PredictionSink } from './writer.ts'

export type DatabaseLocation = { readonly url: string } | { readonly dataFolder: string }

const CONNECT_TIMEOUT_S = 5

export class Database implements PredictionSink {
  readonly #location: DatabaseLocation
  #sql: Sql | undefined
  #embedded: EmbeddedDatabase | undefined
  #opening: Promise<Sql> | undefined

  constructor(location: DatabaseLocation) {
    this.#location = location
  }

  async write(records: readonly PredictionRecord[]): Promise<void> {
    const sql = await this.#open()
    await sql`
      insert into predictions
      select * from jsonb_to_recordset(${sql.json(records.map(toRow))}) as row (
        prediction_id uuid, time timestamptz, user_id text,
        country text, country_region text, source text, platform text, device_family text, os_version text,
        event_1 double precision, event_2 double precision, event_3 double precision,
        predicted_revenue double precision, raw_score double precision, inference_time_us double precision,
        model_name text, model_version text, variant text
      )
      on conflict (prediction_id) do nothing`
  }

  async statistics(): Promise<Statistics> {
    return queryStatistics(await this.#open())
  }

  /** SQLSTATE classes 22 (data exception) and 23 (integrity violation). */
  refuses(error: unknown): boolean {
    return error instanceof postgres.PostgresError && /^2[23]/.test(error.code)
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => {})
    await this.#sql?.end({ timeout: CONNECT_TIMEOUT_S })
    await this.#embedded?.close()
  }

  async #open(): Promise<Sql> {
    if (this.#sql && (!this.#embedded || this.#embedded.alive())) return this.#sql
    this.#opening ??= this.#connect().finally(() => (this.#opening = undefined))
    return this.#opening
  }

  async #connect(): Promise<Sql> {
    await this.#sql?.end({ timeout: 0 })
    this.#sql = undefined
    const options = {
      connect_timeout: CONNECT_TIMEOUT_S,
      onnotice: () => {},
      connection: { application_name: 'day7' },
    }
    if ('dataFolder' in this.#location && !this.#embedded?.alive())
      this.#embedded = await openEmbeddedDatabase(this.#location.dataFolder)
    const sql = this.#embedded
      ? // PGlite is a single session; two connections would only queue for it.
        postgres({ ...options, path: this.#embedded.socket, user: 'postgres', database: 'postgres', max: 1 })
      : postgres((this.#location as { url: string }).url, { ...options, max: 2 })
    try {
      await migrate(sql)
    } catch (error) {
      await sql.end({ timeout: 0 })
      throw error
    }
    return (this.#sql = sql)
  }
}

function toRow(record: PredictionRecord): Record<string, string | number | null> {
  return {
    prediction_id: record.predictionId,
    time: record.time.toISOString(),
    user_id: record.userId,
    ...record.install,
    predicted_revenue: record.predictedRevenue,
    raw_score: record.rawScore,
    inference_time_us: record.inferenceTimeUs,
    model_name: record.modelName,
    model_version: record.modelVersion,
    variant: record.variant,
  }
}
