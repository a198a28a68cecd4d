/**
 * Logs for tests, and the databases that they stand on.
 */
import type { Sql } from 'postgres'
import type { Test } from 'tap'
import { v4 as uuidv4 } from 'uuid'
import {
  openPredictionLog,
  type PredictionLog,
  type PredictionRecord,
} from '../../src/prediction-log/index.ts'
import type { PredictionLogOptions } from '../../src/prediction-log/prediction-log.ts'
import { dataFolder } from '../service.ts'
import { newDatabase, withClient } from '../shared-postgres.ts'
import { until } from '../until.ts'

/** Where a log stands. */
export interface Place {
  readonly dataFolder: string
  readonly database: PredictionLogOptions['database']
  /** A client of its database, for as long as `work` takes. */
  sql<T>(work: (sql: Sql) => Promise<T>): Promise<T>
}

/** No server listens there. */
export const NOWHERE = { url: 'postgres://nobody@127.0.0.1:1/none' }

/** A database of its own on the server that tests share. */
export async function serverPlace(t: Test, schema: 'newest' | 'none' = 'newest'): Promise<Place> {
  const url = await newDatabase(t, schema)
  return { dataFolder: dataFolder(t), database: { url }, sql: (work) => withClient(url, work) }
}

/** The databases that a log can stand on. The embedded one is the same server: test/database/embedded.test.ts has what is its own. */
export const PLACES: Readonly<Record<string, (t: Test, schema?: 'newest' | 'none') => Promise<Place>>> = {
  'a PostgreSQL server': serverPlace,
}

/** Closes with the test, if the test does not close it before. */
export function openLog(
  t: Test,
  place: Pick<Place, 'dataFolder' | 'database'>,
  options: Partial<PredictionLogOptions> = {},
): PredictionLog {
  const log = openPredictionLog({
    ...place,
    owner: uuidv4().slice(0, 13),
    host: 'here',
    fields: null,
    fsyncMs: 1000,
    maxBytes: 1e9,
    flushIntervalMs: 5,
    whenFull: 'reject',
    retentionDays: 400,
    now: () => new Date(),
    logger: { info: () => {}, warn: () => {}, error: () => {} },
    ...options,
  })
  t.teardown(() => log.close(0))
  return log
}

/** Waits until the database has all that was appended. */
export async function shipped(log: PredictionLog): Promise<void> {
  await until('all is shipped', () => log.status().spool.bytes === 0 && log.status().state === 'shipping')
}

export async function appendAndShip(log: PredictionLog, records: readonly PredictionRecord[]): Promise<void> {
  await log.append(records)
  await shipped(log)
}

/** Leaves the records in the spool folder, as a process that ended while its database was away. */
export async function leaveInSpool(
  t: Test,
  folder: string,
  records: readonly PredictionRecord[],
): Promise<void> {
  const log = openLog(t, { dataFolder: folder, database: NOWHERE })
  await log.append(records)
  await log.close(0)
}

/** Every row of both tables as a text. */
async function rollups(sql: Sql): Promise<string[]> {
  const rows = await sql<{ row: string }[]>`
    select total::text as row from prediction_totals as total
    union all select counted::text from prediction_counts as counted`
  return rows.map(({ row }) => row).toSorted()
}

/** Of what should be equal, only what is not: thousands of rows make no message. */
function differences(found: readonly string[], wanted: readonly string[]): string[] {
  const [has, needs] = [new Set(found), new Set(wanted)]
  return [
    ...found.filter((row) => !needs.has(row)).map((row) => `too much: ${row}`),
    ...wanted.filter((row) => !has.has(row)).map((row) => `missing: ${row}`),
  ].slice(0, 10)
}

/** Counts every hour afresh. @returns some of the rows that this changes: none, if the statistics are right */
export async function recount(sql: Sql): Promise<string[]> {
  const kept = await rollups(sql)
  for (const { hour } of await sql`select distinct date_trunc('hour', time, 'UTC') as hour from predictions`)
    await sql`select day7_recount(${hour})`
  return differences(kept, await rollups(sql))
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
