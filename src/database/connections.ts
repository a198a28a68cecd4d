/**
 * The connections to the database, in a pool for each purpose: no question holds up a shipment, and no report keeps a revoked key valid. They
 * open by themselves, bring the schema to the newest, and open again after a loss. No call takes longer than its time limit, and
 * the server gives up what the client has given up.
 */
import { setTimeout as delay } from 'node:timers/promises'
import postgres, { type Sql } from 'postgres'
import { CLIENT, clientOptions } from './client.ts'
import { type EmbeddedDatabase, openEmbeddedDatabase } from './embedded.ts'
import { migrate, missingVersions } from './migrate.ts'
import { POOLS, type Purpose } from './pools.ts'

export type DatabaseLocation = { readonly url: string } | { readonly dataFolder: string }

const OPENING_TIMEOUT_MS = 20_000
/** It may have to write every prediction anew. */
const MIGRATION_TIMEOUT_MS = 4 * 3_600_000
/** A new one waits for the disk, and one that was killed reads what it had written. */
const EMBEDDED_TIMEOUT_MS = 60_000
/** What the server has ended is heard of before the client's own time limit. */
const GRACE_MS = 2_000

export class DatabaseTimeoutError extends Error {
  readonly code = 'DATABASE_TIMEOUT'
  override readonly name = 'DatabaseTimeoutError'
}

export class DatabaseBusyError extends Error {
  readonly code = 'DATABASE_BUSY'
  override readonly name = 'DatabaseBusyError'
}

export class Connections {
  readonly #location: DatabaseLocation
  readonly #startEmbedded: typeof openEmbeddedDatabase
  readonly #startTimeoutMs: number
  readonly #pools = new Map<Purpose, Sql>()
  readonly #calls: Record<Purpose, number> = {
    shipping: 0,
    settling: 0,
    control: 0,
    questions: 0,
    reports: 0,
  }
  #embedded: EmbeddedDatabase | undefined
  #opening: Promise<void> | undefined
  /** A start that takes longer than its caller waits goes on, and is the next caller's: the folder is locked by it. */
  #starting: Promise<EmbeddedDatabase> | undefined

  constructor(
    location: DatabaseLocation,
    startEmbedded = openEmbeddedDatabase,
    startTimeoutMs = EMBEDDED_TIMEOUT_MS,
  ) {
    this.#location = location
    this.#startEmbedded = startEmbedded
    this.#startTimeoutMs = startTimeoutMs
  }

  /**
   * @param timeoutMs of each of its statements on the server, if it is a transaction; and of all of it here
   * @throws DatabaseBusyError if too many wait, DatabaseTimeoutError, and what `work` throws
   */
  async use<T>(purpose: Purpose, timeoutMs: number, work: (sql: Sql) => Promise<T>): Promise<T> {
    const { connections, waiting } = POOLS[purpose]
    if (this.#calls[purpose] >= connections + waiting)
      throw new DatabaseBusyError(`expected at most ${connections + waiting} calls at once, got more`)
    this.#calls[purpose]++
    let pool: Sql | undefined
    try {
      await this.#open()
      pool = this.#poolOf(purpose)
      return await within(timeoutMs + GRACE_MS, work(pool))
    } catch (error) {
      // Its server may be hanging, or may have become another. One that answers with an error is well.
      if (pool && this.#pools.get(purpose) === pool && isOfTheConnection(error)) await this.#end(purpose, 0)
      throw error
    } finally {
      this.#calls[purpose]--
    }
  }

  async close(timeoutMs: number): Promise<void> {
    await this.#opening?.catch(() => {})
    await Promise.all([...this.#pools.keys()].map((purpose) => this.#end(purpose, timeoutMs / 1000)))
    await this.#embedded?.close()
    void this.#starting?.then((late) => late.close()).catch(() => {})
  }

  async #open(): Promise<void> {
    const isOpen = this.#pools.size > 0 && !this.#opening
    if (isOpen && ('url' in this.#location || this.#embedded?.alive())) return
    this.#opening ??= this.#openAnew().finally(() => (this.#opening = undefined))
    return this.#opening
  }

  /** All that waits for it fails with it; the next call tries again. */
  async #openAnew(): Promise<void> {
    await Promise.all([...this.#pools.keys()].map((purpose) => this.#end(purpose, 0)))
    if ('dataFolder' in this.#location && !this.#embedded?.alive())
      await within(this.#startTimeoutMs, this.#start(this.#location.dataFolder))
    const sql = this.#poolOf('shipping')
    try {
      const missing = await within(OPENING_TIMEOUT_MS, missingVersions(sql))
      if (missing.length > 0) await within(MIGRATION_TIMEOUT_MS, migrate(sql))
    } catch (error) {
      await this.#end('shipping', 0)
      throw error
    }
  }

  #start(dataFolder: string): Promise<EmbeddedDatabase> {
    this.#starting ??= this.#startEmbedded(dataFolder)
      .then((started) => (this.#embedded = started))
      .finally(() => (this.#starting = undefined))
    return this.#starting
  }

  #poolOf(purpose: Purpose): Sql {
    let pool = this.#pools.get(purpose)
    if (!pool) {
      const max = POOLS[purpose].connections
      pool = this.#embedded
        ? postgres({ ...CLIENT, path: this.#embedded.socket, user: 'postgres', database: 'postgres', max })
        : postgres({ ...clientOptions((this.#location as { url: string }).url), max })
      this.#pools.set(purpose, pool)
    }
    return pool
  }

  async #end(purpose: Purpose, timeoutS: number): Promise<void> {
    const pool = this.#pools.get(purpose)
    this.#pools.delete(purpose)
    await pool?.end({ timeout: timeoutS })
  }
}

/** @throws DatabaseTimeoutError; what `work` comes to then is nobody's business any more */
async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  const done = new AbortController()
  const timeout = delay(timeoutMs, undefined, { signal: done.signal, ref: false }).then(() => {
    throw new DatabaseTimeoutError(`expected the database to answer within ${timeoutMs} ms`)
  })
  timeout.catch(() => {})
  work.catch(() => {})
  return Promise.race([work, timeout]).finally(() => done.abort())
}

/**
 * The connection is at fault for SQLSTATE classes 08 (connection), 25 (state of the transaction, such as read-only) and 57P (shut down), and for
 * errors of the driver, of the network and of time limits. An error of `work` itself says nothing of the connection.
 */
function isOfTheConnection(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  if (error instanceof postgres.PostgresError) return /^(08|25|57P)/.test(error.code)
  return typeof code !== 'string' || /^(CONNECT|E[A-Z]+$|DATABASE_TIMEOUT|NOT_COMMITTED)/.test(code)
}
