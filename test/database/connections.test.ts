/**
 * Opening: whoever asks meanwhile waits for the schema, and a start that takes too long is not lost.
 */
import t from 'tap'
import { Connections } from '../../src/database/connections.ts'
import { dataFolder } from '../service.ts'
import { newDatabase, withClient } from '../shared-postgres.ts'
import { until } from '../until.ts'

/** Of migrations. */
const LOCK = 0x64617937

t.test('a question that comes while the schema is brought to the newest waits for it', async (t) => {
  const url = await newDatabase(t, 'none')
  const connections = new Connections({ url })
  await withClient(url, async (sql) => {
    await sql`select pg_advisory_lock(${LOCK})`
    const ship = connections.use(
      'shipping',
      60_000,
      (sql) => sql`select count(*)::int as count from predictions`,
    )
    const waits = async () =>
      (await sql`select from pg_locks where locktype = 'advisory' and not granted`).length > 0
    await until('the migration waits for its turn', waits)
    const ask = connections.use(
      'questions',
      60_000,
      (sql) => sql`select count(*)::int as count from predictions`,
    )
    await sql`select pg_advisory_unlock(${LOCK})`
    t.match(await Promise.all([ship, ask]), [[{ count: 0 }], [{ count: 0 }]])
  })
  await connections.close(1_000)
})

t.test('an embedded server that starts late is that of the next caller', async (t) => {
  // Time limits keep no process alive, and nothing else here does.
  const alive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(alive))
  const started = Promise.withResolvers<void>()
  let [starts, closed] = [0, 0]
  const socket = `${dataFolder(t)}/no-such-socket`
  const start = async () => {
    starts++
    await started.promise
    return { socket, alive: () => true, close: async () => void closed++ }
  }
  const connections = new Connections({ dataFolder: dataFolder(t) }, start, 10)
  const ask = () => connections.use('questions', 1_000, (sql) => sql`select 1`)
  await t.rejects(ask(), { code: 'DATABASE_TIMEOUT' })
  await t.rejects(ask(), { code: 'DATABASE_TIMEOUT' })
  started.resolve()
  await t.rejects(ask(), { code: 'ENOENT' }, 'it is asked')
  t.equal(starts, 1)
  await connections.close(1_000)
  t.equal(closed, 1)
})
