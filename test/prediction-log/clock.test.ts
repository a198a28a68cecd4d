/**
 * A host whose clock is wrong: nothing is lost, nothing of others is dropped, and it says so.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import t from 'tap'
import { missing } from '../programs.ts'
import { dataFolder } from '../service.ts'
import { newDatabase, withClient } from '../shared-postgres.ts'
import { appendAndShip, openLog } from './log.ts'
import { recordOf } from './records.ts'

/** Appends a prediction, waits until it is shipped and the log was kept up, and prints what it knows of the clock. */
const HOST = `
  const [, module, records, dataFolder, url] = process.argv
  const { isClockWrong, openPredictionLog } = await import(module)
  const { recordOf } = await import(records)
  const said = []
  const log = openPredictionLog({
    dataFolder, database: { url }, owner: 'wrong', host: 'wrong', fields: new Set(['user_id']), fsyncMs: 1000, maxBytes: 1e9,
    flushIntervalMs: 5, whenFull: 'reject', retentionDays: 400, now: () => new Date(),
    logger: { info: () => {}, warn: () => {}, error: (_, message) => said.push(message) },
  })
  await log.append([recordOf({ time: new Date() })])
  while (log.status().spool.bytes > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  await log.eraseUsers(['player of the others'])
  const { clockOffsetMs } = log.status()
  await log.close(5000)
  console.log(JSON.stringify({ isWrong: isClockWrong(clockOffsetMs), days: Math.round(clockOffsetMs / 86_400_000), said }))`

const skip = missing('faketime')
for (const [days, offset] of [
  [401, '+401d'],
  [-401, '-401d'],
] as const)
  t.test(`a clock that is ${days} days ahead`, { skip }, async (t) => {
    const url = await newDatabase(t)
    const others = openLog(t, { dataFolder: dataFolder(t), database: { url } })
    await appendAndShip(others, [recordOf({ time: new Date() }), recordOf({ time: new Date() })])
    const modules = ['src/prediction-log/index.ts', 'test/prediction-log/records.ts'].map((path) =>
      resolve(path),
    )
    const host = spawn(
      'faketime',
      ['-f', offset, process.execPath, '--input-type=module', '-e', HOST, ...modules, dataFolder(t), url],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const printed = host.stdout.setEncoding('utf8').toArray()
    await once(host, 'exit')
    const { isWrong, days: found, said } = JSON.parse((await printed).join(''))
    t.same([isWrong, found], [true, days])
    t.match(said.join(), /the clock of this host is not that of the database/)
    const count = () =>
      withClient(
        url,
        async (sql) => (await sql`select count(*)::integer as count from predictions`)[0]!['count'],
      )
    t.equal(await count(), 3, 'nobody’s predictions are gone')
    const later = recordOf({ time: new Date(), userId: 'player of the others' })
    await appendAndShip(others, [later])
    t.equal(await count(), 4, 'an erasure of that host swallows no later prediction')
  })
