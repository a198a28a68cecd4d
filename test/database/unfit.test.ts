/**
 * Databases that a log cannot stand on: said in one sentence, nothing written, nothing lost.
 */
import t, { type Test } from 'tap'
import { dataFolder } from '../service.ts'
import { newDatabase, withClient } from '../shared-postgres.ts'
import { appendAndShip, openLog, shipped } from '../prediction-log/log.ts'
import { recordOf } from '../prediction-log/records.ts'
import { until } from '../until.ts'

async function waits(t: Test, url: string, reason: RegExp) {
  const said: unknown[] = []
  const logger = { info: () => {}, warn: (fields: object) => said.push(fields), error: () => {} }
  const log = openLog(t, { dataFolder: dataFolder(t), database: { url } }, { logger })
  await log.append([recordOf({ time: new Date() })])
  await until('it backs off', () => log.status().state === 'backing-off')
  t.match(log.status(), { lastError: reason, spooled: 1, shipped: 0, quarantined: 0, dropped: 0 })
  t.match(said, [{ err: { message: reason } }], 'said once in the log')
  return log
}

for (const encoding of ['LATIN1', 'SQL_ASCII'])
  t.test(`the encoding ${encoding}`, async (t) => {
    const url = await newDatabase(t, 'none', `encoding '${encoding}' template template0 locale 'C'`)
    await waits(t, url, new RegExp(`expected a database with the encoding UTF8, got ${encoding}; create one`))
    const tables = await withClient(url, (sql) => sql`select from pg_tables where schemaname = 'public'`)
    t.equal(tables.length, 0)
  })

t.test('a server that is too old', async (t) => {
  const url = await newDatabase(t)
  // What the server says of itself, as one of version 13 would.
  await withClient(url, async (sql) => {
    await sql`create schema old`
    await sql`
      create function old.current_setting(name text) returns text language sql as $$
        select case name when 'server_version_num' then '130018' else pg_catalog.current_setting(name) end
      $$`
  })
  const path = encodeURIComponent('-c search_path=old,pg_catalog,public')
  await waits(t, `${url}?options=${path}`, /^expected PostgreSQL 14 or later, got 13$/)
})

t.test('the schema of a later release, until it is taken back', async (t) => {
  const url = await newDatabase(t)
  await withClient(url, (sql) => sql`insert into day7_migrations (version) values (9999)`)
  const log = await waits(
    t,
    url,
    /^expected the schema \d+ or an earlier one, got 9999, which is of a later release of Day7$/,
  )
  await withClient(url, (sql) => sql`delete from day7_migrations where version = 9999`)
  await shipped(log)
  t.match(log.status(), { shipped: 1, lastError: null })
})

t.test('a publication for all tables, as logical replication has it', async (t) => {
  const url = await newDatabase(t)
  const log = openLog(t, { dataFolder: dataFolder(t), database: { url } })
  await withClient(url, async (sql) => {
    await sql`create table other (id integer)`
    await sql`insert into other values (1)`
    await sql`create publication everything for all tables`
    await t.rejects(sql`delete from other`, /does not have a replica identity/, 'it is in force')
  })
  const record = recordOf({ time: new Date(Date.now() - 10 * 86_400_000), userId: 'a' })
  await appendAndShip(log, [record, recordOf({ time: record.time, userId: 'b' })])
  for (const revenue of [1, 2])
    await log.recordOutcomes(
      ['a', 'b'].map((userId) => ({ predictionId: null, userId, revenue, observedAt: new Date() })),
    )
  t.match(await log.accuracy({ days: 28, by: null, now: new Date() }), { overall: { matured: 2 } })
  t.match(await log.eraseUsers(['a']), [{ predictions: 1, outcomes: 1 }])
  await log.splits.keep({ challengerShare: 0.5 }, { challengerShare: 0, salt: 'a', shadow: false }, 'admin')
  await withClient(url, (sql) => sql`select day7_maintain((now() at time zone 'UTC')::date, 5)`)
  t.match(await log.accuracy({ days: 28, by: null, now: new Date() }), { overall: { matured: 0 } })
})
