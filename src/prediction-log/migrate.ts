/**
 * Brings a database to the newest schema: `sql/0001.sql`, `sql/0002.sql`, … in order, each once, forward only.
 *
 * All of it is one transaction under an advisory lock: of several processes that start together one migrates and the others
 * find it done, and a migration that fails leaves the old schema as it was.
 */
import { readdir, readFile } from 'node:fs/promises'
import type { Sql } from 'postgres'

/** Any number that no one else uses as an advisory lock on this database: "day7" in ASCII. */
const LOCK = 0x64617937

const FOLDER = new URL('./sql/', import.meta.url)

/** @returns the versions that were applied now */
export async function migrate(sql: Sql): Promise<number[]> {
  const files = (await readdir(FOLDER)).filter((file) => /^\d{4}\.sql$/.test(file)).toSorted()
  return sql.begin(async (transaction) => {
    await transaction`select pg_advisory_xact_lock(${LOCK})`
    await transaction`
      create table if not exists day7_migrations (
        version    integer primary key,
        applied_at timestamptz not null default now()
      )`
    const rows = await transaction<{ version: number }[]>`select version from day7_migrations`
    const done = new Set(rows.map((row) => row.version))
    const applied: number[] = []
    for (const file of files) {
      const version = Number.parseInt(file, 10)
      if (done.has(version)) continue
      await transaction.unsafe(await readFile(new URL(file, FOLDER), 'utf8')).simple()
      await transaction`insert into day7_migrations (version) values (${version})`
      applied.push(version)
    }
    return applied
  })
}
