/**
 * The log behind PgBouncer in transaction pooling: what is answered is in the database, whichever connections it gets.
 */
import t from 'tap'
import { RemoteDatabase } from '../../src/prediction-log/remote-database.ts'
import { NotCommittedError, transact } from '../../src/database/transaction.ts'
import { startPooler } from '../pgbouncer.ts'
import { missing } from '../programs.ts'
import { dataFolder } from '../service.ts'
import { newDatabase, withClient } from '../shared-postgres.ts'
import { openLog, shipped } from './log.ts'
import { recordOf } from './records.ts'

const skip = missing('pgbouncer')

t.test('two services behind a pooler lose nothing', { skip }, async (t) => {
  const url = await newDatabase(t)
  const pooler = await startPooler(t, url)
  const logs = [1, 2].map(() => openLog(t, { dataFolder: dataFolder(t), database: { url: pooler.url } }))
  let answered = 0
  for (let round = 0; round < 15; round++) {
    for (const log of logs) await log.append([recordOf(), recordOf(), recordOf()])
    answered += logs.length * 3
    // Each round is a shipment of its own, in between questions use the pooler's connections.
    await Promise.all(logs.map(shipped))
    await Promise.all(logs.map((log) => log.accuracy({ days: 7, by: null, now: new Date() })))
  }
  const [row] = await withClient(url, (sql) => sql`select count(*)::integer as count from predictions`)
  t.match(row, { count: answered })
  for (const log of logs) t.match(log.status(), { shipped: answered / 2, failures: 0, quarantined: 0 })
})

t.test('keys, splits and outcomes behind a pooler', { skip }, async (t) => {
  const pooler = await startPooler(t, await newDatabase(t))
  const database = new RemoteDatabase({ url: pooler.url })
  t.teardown(() => database.close(1000))
  const split = { challengerShare: 0.5, salt: 'a', shadow: false }
  for (let i = 0; i < 10; i++) {
    await database.call('keepSplit', { challengerShare: i / 10 }, split, 'admin', 'here')
    const outcome = { predictionId: null, userId: `user ${i}`, revenue: i, observedAt: new Date() }
    await database.call('recordOutcomes', [outcome])
    t.match(await database.call('latestSplit'), { challengerShare: i / 10 })
  }
  t.equal((await database.call('modelEvents', 100)).length, 10)
})

t.test('a commit that did not happen is not believed', async (t) => {
  const url = await newDatabase(t)
  await withClient(url, async (sql) => {
    await sql`create table kept (value integer)`
    const rolledBack = transact(sql, async (transaction) => {
      await transaction`insert into kept values (1)`
      // The commit that follows is of a transaction that is over.
      await transaction`rollback`
      return 'done'
    })
    await t.rejects(rolledBack, NotCommittedError)
    t.equal(
      await transact(sql, async (transaction) => (await transaction`insert into kept values (2)`).count),
      1,
    )
    t.same([...(await sql`select value from kept`)], [{ value: 2 }])
  })
})
