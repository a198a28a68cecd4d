/**
 * Brings a database to the newest schema: `sql/0001.sql`, `sql/0002.sql`, … in order, each once, forward only.
 *
 * All of it is one transaction under an advisory lock: of several processes that start together one migrates and the others
 * find it done, and a migration that fails leaves the old schema as it was.
 */
import { readdir, readFile } from 'node:fs/promises'
import type { Sql, TransactionSql } from 'postgres'
import { transact } from './transaction.ts'

/** Any number that no one else uses as an advisory lock on this database: "day7" in ASCII. */
const LOCK = 0x64617937

const FOLDER = new URL('./sql/', import.meta.url)

/** Of PostgreSQL, as it counts them. */
const OLDEST_SERVER = 14

export class DatabaseUnfitError extends Error {
  override readonly name = 'DatabaseUnfitError'
}

/**
 * @returns the versions that are not applied yet. Writes nothing: a database that only reads is as good, if it needs none
 * @throws DatabaseUnfitError if the server is too old, cannot hold every text, or has the schema of a later release
 */
export async function missingVersions(sql: Sql): Promise<number[]> {
  const [server] = await sql<[{ version: number; encoding: string; migrations: string | null }]>`
    select current_setting('server_version_num')::integer / 10000 as version, current_setting('server_encoding') as encoding,
      to_regclass('day7_migrations')::text as migrations`
  if (server.version < OLDEST_SERVER)
    throw new DatabaseUnfitError(`expected PostgreSQL ${OLDEST_SERVER} or later, got ${server.version}`)
  if (server.encoding !== 'UTF8')
    throw new DatabaseUnfitError(
      `expected a database with the encoding UTF8, got ${server.encoding}; create one: create database day7 encoding 'UTF8' template template0`,
    )
  const [all, applied] = [await versions(), server.migrations === null ? [] : await appliedVersions(sql)]
  const [newest, found] = [Math.max(...all), Math.max(0, ...applied)]
  if (found > newest)
    throw new DatabaseUnfitError(
      `expected the schema ${newest} or an earlier one, got ${found}, which is of a later release of Day7`,
    )
  return missingOf(all, applied)
}

/** @returns the versions that were applied now */
export async function migrate(sql: Sql): Promise<number[]> {
  if ((await missingVersions(sql)).length === 0) return []
  return transact(sql, async (transaction) => {
    await transaction`select pg_advisory_xact_lock(${LOCK})`
    await transaction`
      create table if not exists day7_migrations (
        version    integer primary key,
        applied_at timestamptz not null default now()
      )`
    const missing = missingOf(await versions(), await appliedVersions(transaction))
    for (const version of missing) {
      const file = `${String(version).padStart(4, '0')}.sql`
      await transaction.unsafe(await readFile(new URL(file, FOLDER), 'utf8')).simple()
      await transaction`insert into day7_migrations (version) values (${version})`
    }
    return missing
  })
}

async function versions(): Promise<number[]> {
  const files = (await readdir(FOLDER)).filter((file) => /^\d{4}\.sql$/.test(file))
  return files.map((file) => Number.parseInt(file, 10)).toSorted((a, b) => a - b)
}

async function appliedVersions(sql: Sql | TransactionSql): Promise<number[]> {
  const rows = await sql<{ version: number }[]>`select version from day7_migrations`
  return rows.map(({ version }) => version)
}

function missingOf(all: readonly number[], applied: readonly number[]): number[] {
  return all.filter((version) => !applied.includes(version))
}
