/**
 * Backups that are restored, and a standby that takes over, with the programs of a real PostgreSQL.
 */
import { join } from 'node:path'
import t from 'tap'
import type { Sql } from 'postgres'
import { migrate } from '../../src/database/migrate.ts'
import { missing } from '../programs.ts'
import { dataFolder } from '../service.ts'
import { withClient } from '../shared-postgres.ts'
import { run, startSystemPostgres, type SystemServer } from '../system-postgres.ts'
import { until } from '../until.ts'
import { appendAndShip, openLog, recount, shipped } from './log.ts'
import { recordOf } from './records.ts'

const skip = missing('postgresql')
const DAY_MS = 86_400_000

const TABLES = [
  'predictions',
  'outcomes',
  'installs',
  'cohorts',
  'input_schemas',
  'prediction_totals',
  'prediction_counts',
  'day7_migrations',
]

const contentOf = (url: string): Promise<string[]> =>
  withClient(url, async (sql: Sql) => {
    const contents = []
    for (const table of TABLES) {
      const rows = await sql<{ row: string }[]>`select r::text as row from ${sql(table)} as r`
      contents.push(...rows.map(({ row }) => `${table} ${row}`).toSorted())
    }
    return contents
  })

async function createDatabase(server: SystemServer, name: string): Promise<string> {
  await withClient(server.url, (sql) => sql.unsafe(`create database ${name}`))
  return server.url.replace(/postgres$/, name)
}

t.test('a dump is restored, beside the old database and over it', { skip }, async (t) => {
  const server = await startSystemPostgres(t)
  const url = await createDatabase(server, 'day7')
  const log = openLog(t, { dataFolder: dataFolder(t), database: { url } })
  const now = Date.now()
  await appendAndShip(
    log,
    Array.from({ length: 50 }, (_, i) =>
      recordOf({ time: new Date(now - (i % 3) * DAY_MS), userId: `player ${i}` }),
    ),
  )
  await log.recordOutcomes(
    Array.from({ length: 30 }, (_, i) => ({
      ...{ predictionId: null, userId: `player ${i}`, revenue: i, observedAt: new Date() },
    })),
  )
  const question = { days: 28, by: 'platform', now: new Date(now) }
  const accuracy = await log.accuracy(question)
  await log.close(10_000)
  const before = await contentOf(url)

  const dump = join(server.folder, 'day7.dump')
  const at = ['-h', '127.0.0.1', '-p', String(server.port), '-U', 'day7']
  const dumped = await run('pg_dump', [...at, '-Fc', 'day7', '-f', dump])
  t.equal(dumped.stderr, '')
  for (const [name, options] of [
    ['another', ['-d', 'another']],
    // As docs/deployment.md has it: the database is dropped as a whole, and made anew.
    ['day7', ['-d', 'postgres', '--clean', '--if-exists', '--create']],
  ] as const) {
    const restoredUrl = name === 'day7' ? url : await createDatabase(server, name)
    const restored = await run('pg_restore', [...at, '--exit-on-error', ...options, dump])
    t.equal(restored.stderr, '', name)
    t.same(await contentOf(restoredUrl), before)
    const later = openLog(t, { dataFolder: dataFolder(t), database: { url: restoredUrl } })
    t.same(await later.accuracy(question), accuracy)
    await appendAndShip(later, [recordOf({ time: new Date() })])
    await later.close(10_000)
    t.same(await withClient(restoredUrl, recount), [])
    t.same(await withClient(restoredUrl, migrate), [], 'its schema is the newest')
  }
})

t.test('a standby that is promoted takes over, and nothing is lost', { skip }, async (t) => {
  const primary = await startSystemPostgres(t)
  await createDatabase(primary, 'day7')
  const standby = await primary.standby()
  const url = `postgres://day7:day7@127.0.0.1:${primary.port},127.0.0.1:${standby.port}/day7?target_session_attrs=read-write`
  const log = openLog(t, { dataFolder: dataFolder(t), database: { url } })
  let answered = 0
  const over = new AbortController()
  const load = (async () => {
    while (!over.signal.aborted) {
      await log.append([recordOf({ time: new Date(), userId: `player ${answered}` })])
      answered++
      if (answered % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  await until('some are stored', () => log.status().shipped > 500)
  primary.kill()
  await until('it notices', () => log.status().state === 'backing-off')
  await standby.promote()
  const before = log.status().shipped
  await until('the standby takes some', () => log.status().shipped > before + 500)
  over.abort()
  await load
  await shipped(log)
  t.match(log.status(), { dropped: 0, quarantined: 0 })
  const [row] = await withClient(
    standby.url.replace(/postgres$/, 'day7'),
    (sql) =>
      sql`select count(*)::integer as count, count(distinct user_id)::integer as users from predictions`,
  )
  t.match(row, { count: answered, users: answered })
})
