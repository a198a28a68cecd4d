/**
 * A service whose role owns nothing and creates nothing: the owner has brought the schema to the newest, and granted what it needs.
 */
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { parseInputSchema } from '../../src/inputs/index.ts'
import { LogUnavailableError } from '../../src/prediction-log/index.ts'
import { RemoteDatabase } from '../../src/prediction-log/remote-database.ts'
import { dataFolder, PASSED_ON } from '../service.ts'
import { newDatabase, withClient } from '../shared-postgres.ts'
import { until } from '../until.ts'
import { appendAndShip, openLog } from './log.ts'
import { recordOf } from './records.ts'

const NOW = new Date()

t.test('a role without the right to create', async (t) => {
  const admin = await newDatabase(t, 'none')
  const name = new URL(admin).pathname.slice(1)
  const [owner, role] = [`${name}_owner`, `${name}_service`]
  const urlOf = (user: string): string => {
    const url = new URL(admin)
    url.username = user
    url.password = 'secret'
    return url.href
  }
  await withClient(admin, async (sql) => {
    for (const user of [owner, role]) await sql.unsafe(`create role ${user} login password 'secret'`)
    await sql.unsafe(`revoke create on schema public from public; grant create on schema public to ${owner}`)
  })
  t.teardown(() =>
    withClient(admin, (sql) =>
      sql.unsafe(`drop owned by ${role}, ${owner} cascade; drop role ${role}, ${owner}`),
    ),
  )
  const migrate = (...args: string[]) =>
    spawnSync(process.execPath, ['src/cli.ts', 'migrate', ...args], {
      encoding: 'utf8',
      env: { ...PASSED_ON, DATABASE_URL: urlOf(owner) },
    })
  const said: string[] = []
  const say = (details: object, message: string): void =>
    void said.push(`${message} ${(details as { err?: Error }).err?.message ?? ''}`)
  const log = openLog(
    t,
    { dataFolder: dataFolder(t), database: { url: urlOf(role) } },
    { now: () => NOW, logger: { info: say, warn: say, error: say } },
  )
  await log.append([recordOf({ time: NOW, userId: 'a' })])
  await until('it says what it may not', () => said.some((line) => /permission denied/.test(line)))
  await t.rejects(log.listKeys(), LogUnavailableError)

  t.match(migrate('--grant', role), { status: 0 })
  const schema = parseInputSchema({
    format: 'day7-inputs/1',
    fields: [{ name: 'level', kind: 'number', roles: [] }],
    target: { name: 'revenue', horizonDays: 3 },
  })
  const month = 30 * 86_400_000
  await appendAndShip(log, [
    recordOf({ time: new Date(NOW.getTime() - month), userId: 'b' }),
    { ...recordOf({ time: NOW, userId: 'c' }), inputs: schema, row: [1] },
  ])
  await log.recordOutcomes([{ predictionId: null, userId: 'b', revenue: 1, observedAt: NOW }])
  t.match(await log.accuracy({ days: 60, by: null, now: NOW }), { overall: { matured: 1 } })
  t.match(await log.statistics({ window: 'all', bucket: null, facets: [], now: NOW }), {
    totalPredictions: 3,
  })
  t.same(await log.listKeys(), [])
  await log.splits.adopt({ challengerShare: 0.5, salt: 'a', shadow: false })
  t.same(await log.eraseUsers(['b']), [{ userId: 'b', predictions: 1, outcomes: 1 }])
  const database = new RemoteDatabase({ url: urlOf(role) })
  await database.call('maintain', 10)
  await database.close(1000)
  t.match(log.status(), { lastError: null, quarantined: 0 })

  const viewOf = () =>
    withClient(
      admin,
      async (sql) =>
        (await sql`select view_name as name from input_schemas where schema_id = ${schema.id}`)[0],
    )
  t.match(await viewOf(), { name: null }, 'predictions are stored without the view of their schema')
  t.ok(said.some((line) => /the view .* cannot be made/.test(line)))
  t.match(migrate(), { status: 0, stderr: '' })
  t.match(await viewOf(), { name: `predictions_of_${schema.id}` })

  await withClient(urlOf(role), async (sql) => {
    for (const statement of [
      'create table mine (x integer)',
      'drop table predictions',
      'delete from day7_migrations',
    ])
      await t.rejects(sql.unsafe(statement), { code: '42501' }, statement)
  })
  await withClient(admin, (sql) => sql.unsafe(`create role ${name}_other login password 'secret'`))
  t.teardown(() => withClient(admin, (sql) => sql.unsafe(`drop role ${name}_other`)))
  await withClient(urlOf(`${name}_other`), async (sql) => {
    await t.rejects(
      sql`select day7_maintain(current_date, 0)`,
      { code: '42501' },
      'nobody else drops partitions',
    )
  })
})
