/**
 * A database that answers nothing, or not yet: nothing is lost, connections stay few, and all goes on by itself.
 */
import t from 'tap'
import { RemoteDatabase } from '../../src/prediction-log/remote-database.ts'
import { dataFolder } from '../service.ts'
import { newDatabase, withClient } from '../shared-postgres.ts'
import { LONG } from '../long.ts'
import { startSilentProxy } from '../silent-proxy.ts'
import { until } from '../until.ts'
import { appendAndShip, openLog, shipped } from './log.ts'
import { recordOf } from './records.ts'

const ELSEWHERE = !LONG && 'half a minute of waiting: npm run test:long'

t.test('a connection that falls silent while it is opened', async (t) => {
  const url = await newDatabase(t)
  const proxy = await startSilentProxy(url)
  t.teardown(() => proxy.close())
  proxy.silence()
  const log = openLog(t, { dataFolder: dataFolder(t), database: { url: proxy.url } })
  await log.append([recordOf()])
  await until('an attempt has failed', () => log.status().lastError === 'CONNECT_TIMEOUT')
  proxy.speak()
  await shipped(log)
  t.match(log.status(), { shipped: 1, lastError: null })
})

t.test('a connection that falls silent in the middle of a shipment', { skip: ELSEWHERE }, async (t) => {
  const url = await newDatabase(t)
  const proxy = await startSilentProxy(url)
  t.teardown(() => proxy.close())
  const log = openLog(t, { dataFolder: dataFolder(t), database: { url: proxy.url } })
  await appendAndShip(log, [recordOf()])
  await withClient(url, (sql) =>
    sql.begin(async (transaction) => {
      await transaction`lock table prediction_counts in share mode`
      await log.append([recordOf()])
      const waits = async (): Promise<boolean> =>
        (await transaction`select from pg_locks where not granted and locktype = 'relation'`).length > 0
      await until('its rows are locked, and it waits', waits)
      proxy.silence()
    }),
  )
  // The server has done what it was asked, and is asked nothing more.
  proxy.speak()
  await log.append([recordOf()])
  await shipped(log)
  t.match(log.status(), { lastError: null, quarantined: 0 })
  const [row] = await withClient(url, (sql) => sql`select count(*)::integer as count from predictions`)
  t.match(row, { count: 3 })
})

t.test('a table that is locked, as by VACUUM FULL', async (t) => {
  const url = await newDatabase(t)
  const log = openLog(t, { dataFolder: dataFolder(t), database: { url } })
  const keys = new RemoteDatabase({ url })
  t.teardown(() => keys.close(0))
  await appendAndShip(log, [recordOf({ time: new Date() })])
  await keys.call('probe')
  await withClient(url, (sql) =>
    sql.begin(async (transaction) => {
      await transaction`lock table predictions in access exclusive mode`
      const question = { now: new Date(), atMost: 100, facets: [] }
      const asked = Array.from({ length: 12 }, () =>
        log.recent(question).catch((error: Error) => error.message),
      )
      await log.append([recordOf(), recordOf()])
      t.same(await log.listKeys(), [], 'keys are known at once')
      t.match(
        (await Promise.all(asked))[0],
        /needed longer|did not answer in time/,
        'the server has ended the question',
      )
      const [{ count }] = await transaction<[{ count: number }]>`
        select count(*)::integer as count from pg_stat_activity
        where application_name = 'day7' and datname = current_database() and pid <> pg_backend_pid()`
      t.ok(count <= 9 + 2, `${count} connections`)
    }),
  )
  await shipped(log)
  t.equal(log.status().shipped, 3)
})
