/**
 * The log against both databases it can stand on: PGlite in its thread, and a real PostgreSQL server. One suite for both.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import postgres from 'postgres'
import t, { type Test } from 'tap'
import { Database, type DatabaseLocation } from '../../src/prediction-log/database.ts'
import { openEmbeddedDatabase } from '../../src/prediction-log/embedded.ts'
import { LogUnavailableError, openPredictionLog, type PredictionLog } from '../../src/prediction-log/index.ts'
import { migrate } from '../../src/prediction-log/migrate.ts'
import { createPostgresServer } from '../postgres-server.ts'
import { dataFolder } from '../service.ts'
import { recordOf } from './records.ts'

const silent = { info: () => {}, warn: () => {}, error: () => {} }

const openLog = (location: DatabaseLocation): PredictionLog =>
  openPredictionLog(location, { flushIntervalMs: 5, maxWaiting: 100_000, random: () => 0, logger: silent })

async function written(log: PredictionLog): Promise<void> {
  while (log.status().waiting > 0 || log.status().state !== 'writing') await delay(5)
}

async function remembersAndCounts(t: Test, location: DatabaseLocation): Promise<void> {
  const log = openLog(location)
  const install = recordOf().install
  const records = [
    recordOf({ predictedRevenue: 0.5, inferenceTimeUs: 10, time: new Date('2026-01-01T00:00:00.001Z') }),
    recordOf({ predictedRevenue: 1.5, inferenceTimeUs: 20, install: { ...install, platform: 'ios' } }),
    recordOf({
      predictedRevenue: 0,
      inferenceTimeUs: 30,
      userId: null,
      time: new Date('2026-01-03T00:00:00Z'),
      install: {
        country: null,
        country_region: `Île-de-France 'drop "table" \\N\t\n😀`,
        source: '',
        platform: null,
        device_family: null,
        os_version: null,
        event_1: 1e308,
        event_2: 5e-324,
        event_3: null,
      },
    }),
  ]
  for (const record of records) log.append(record)
  await written(log)
  t.same(await log.statistics(), {
    totalPredictions: 3,
    avgPredictedRevenue: 2 / 3,
    minPredictedRevenue: 0,
    maxPredictedRevenue: 1.5,
    avgInferenceTimeUs: 20,
    firstPrediction: new Date('2026-01-01T00:00:00.001Z'),
    lastPrediction: new Date('2026-01-03T00:00:00Z'),
    platforms: { ios: 2, unknown: 1 },
    topCountries: [
      { country: 'es', count: 2 },
      { country: 'unknown', count: 1 },
    ],
  })

  for (const record of records) log.append(record)
  for (let i = 0; i < 5000; i++) log.append(recordOf())
  await written(log)
  t.equal((await log.statistics()).totalPredictions, 5003, 'a record that is written twice is there once')
  await log.close(5000)

  const reopened = openLog(location)
  t.equal((await reopened.statistics()).totalPredictions, 5003, 'still there after a restart')
  await reopened.close(5000)
}

t.test('PGlite', async (t) => {
  const folder = dataFolder(t)
  await remembersAndCounts(t, { dataFolder: folder })

  await t.test('a folder belongs to one process', async (t) => {
    const first = await openEmbeddedDatabase(folder)
    await t.rejects(openEmbeddedDatabase(folder), { message: /in use by another process/ })
    await first.close()
    t.equal(first.alive(), false)
    const second = await openEmbeddedDatabase(folder)
    await second.close()
  })

  await t.test('rows come back as they were sent', async (t) => {
    const embedded = await openEmbeddedDatabase(folder)
    const sql = postgres({ path: embedded.socket, user: 'postgres', database: 'postgres', max: 1 })
    const [row] = await sql`select * from predictions where platform is null`
    t.match(row, {
      user_id: null,
      country_region: `Île-de-France 'drop "table" \\N\t\n😀`,
      source: '',
      event_1: 1e308,
      event_2: 5e-324,
      event_3: null,
      time: new Date('2026-01-03T00:00:00Z'),
    })
    await sql.end()
    await embedded.close()
  })

  await t.test('a folder that is no database is an error, and nothing worse', async (t) => {
    const folder = dataFolder(t)
    await mkdir(join(folder, 'postgres'))
    await writeFile(join(folder, 'postgres', 'data'), 'not a folder')
    await t.rejects(openEmbeddedDatabase(folder))
    await rm(join(folder, 'postgres', 'data'))
    const mended = await openEmbeddedDatabase(folder)
    await mended.close()
  })

  t.test('a path too long for a socket', async (t) => {
    await t.rejects(openEmbeddedDatabase(`${folder}/${'x'.repeat(120)}`), {
      message: /at most 103 bytes/,
    })
  })
})

t.test('a PostgreSQL server', async (t) => {
  const server = await createPostgresServer()
  t.teardown(() => server.remove())
  await remembersAndCounts(t, { url: server.url })

  await t.test('four processes that start together migrate once', async (t) => {
    const admin = postgres(server.url, { max: 1, onnotice: () => {} })
    await admin`drop table predictions, day7_migrations`
    const clients = Array.from({ length: 4 }, () => postgres(server.url, { max: 1, onnotice: () => {} }))
    const applied = await Promise.all(clients.map((sql) => migrate(sql)))
    t.same(
      applied.toSorted((a, b) => a.length - b.length),
      [[], [], [], [1]],
    )
    await Promise.all([admin, ...clients].map((sql) => sql.end()))
  })

  await t.test('the server goes away and comes back', async (t) => {
    const log = openLog({ url: server.url })
    log.append(recordOf())
    await written(log)
    await server.stop()
    log.append(recordOf())
    while (log.status().state !== 'backing-off') await delay(5)
    t.equal(log.status().waiting, 1)
    t.ok(log.status().lastError)
    await t.rejects(log.statistics(), LogUnavailableError)
    await server.start()
    await written(log)
    t.equal((await log.statistics()).totalPredictions, 2)
    await log.close(5000)
  })

  await t.test('a record that cannot be stored costs no other', async (t) => {
    const database = new Database({ url: server.url })
    await t.rejects(database.write([recordOf({ userId: 'a\u0000b' })]))
    const error = await database.write([recordOf({ userId: 'a\u0000b' })]).catch((error: unknown) => error)
    t.ok(database.refuses(error), 'NUL is the record’s fault')
    t.notOk(database.refuses(new Error('connection lost')))
    await database.close()
  })
})

t.test('no server there', async (t) => {
  const log = openLog({ url: 'postgres://nobody@127.0.0.1:1/none' })
  log.append(recordOf())
  while (log.status().state !== 'backing-off') await delay(5)
  t.match(log.status(), { waiting: 1, lastError: 'ECONNREFUSED' })
  await t.rejects(log.statistics(), LogUnavailableError)
  await log.close(100)
  t.match(log.status(), { state: 'closed', dropped: 1 })
})
