/**
 * The log against both databases it can stand on: the embedded server, and one that is there. One suite for both.
 */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import postgres from 'postgres'
import t, { type Test } from 'tap'
import type { DatabaseLocation } from '../../src/database/connections.ts'
import { Database } from '../../src/prediction-log/database.ts'
import { NINE_FIELDS } from '../../src/inputs/index.ts'
import { openEmbeddedDatabase } from '../../src/database/embedded.ts'
import { LogUnavailableError, openPredictionLog, type PredictionLog } from '../../src/prediction-log/index.ts'
import { RemoteDatabase } from '../../src/prediction-log/remote-database.ts'
import { SHADOW } from '../../src/prediction-log/record.ts'
import { LineBuffer, type Spooled } from '../../src/prediction-log/spool/line-buffer.ts'
import { createPostgresServer } from '../postgres-server.ts'
import { dataFolder } from '../service.ts'
import { newDatabase } from '../shared-postgres.ts'
import { until } from '../until.ts'
import { recordOf } from './records.ts'

let owners = 0

function openLog(dataFolder: string, location: DatabaseLocation): PredictionLog {
  return openPredictionLog({
    dataFolder,
    database: 'url' in location ? location : 'embedded',
    owner: `owner${++owners}`,
    host: 'here',
    maxBytes: 2 ** 30,
    fsyncMs: 1000,
    flushIntervalMs: 5,
    whenFull: 'reject',
    retentionDays: 400,
    fields: null,
    now: () => new Date(),
    logger: { info: () => {}, warn: () => {}, error: () => {} },
  })
}

const statisticsOf = (log: PredictionLog) =>
  log.statistics({ window: 'all', bucket: null, facets: [], now: new Date() })

const shipped = (log: PredictionLog) =>
  until('all is shipped', () => log.status().spool.bytes === 0 && log.status().state === 'shipping')

const backsOff = (log: PredictionLog) => until('it backs off', () => log.status().state === 'backing-off')

function linesOf(records: readonly Spooled[]): Buffer {
  const lines = new LineBuffer(null)
  for (const record of records) lines.append(record)
  return Buffer.from(lines.take())
}

/** The database knows that of the nine fields. */
const noSchema = async (): Promise<null> => null

async function* each<T>(...values: readonly T[]): AsyncGenerator<T> {
  yield* values
}

async function remembersAndCounts(t: Test, folder: string, location: DatabaseLocation): Promise<void> {
  const log = openLog(folder, location)
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
        country_region: `Île-de-France 'drop "table" \\N\t\r\n😀`,
        source: '',
        platform: null,
        device_family: '\\N',
        os_version: '\\.',
        event_1: 1e308,
        event_2: 5e-324,
        event_3: null,
      },
    }),
  ]
  await log.append(records)
  await shipped(log)
  t.match(await statisticsOf(log), {
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

  await log.append(records)
  await log.append(Array.from({ length: 5000 }, () => recordOf()))
  await shipped(log)
  t.equal((await statisticsOf(log)).totalPredictions, 5003, 'a record that is shipped twice is there once')
  t.match(log.status(), { spooled: 5006, shipped: 5006, dropped: 0, quarantined: 0 })
  const { breaker, shipments } = log.status()
  t.equal(breaker, 'closed')
  t.ok(shipments.count >= 2 && shipments.seconds > 0)
  await log.append([recordOf()])
  await log.close(5000)

  const reopened = openLog(folder, location)
  await shipped(reopened)
  t.equal(
    (await statisticsOf(reopened)).totalPredictions,
    5004,
    'closing ships the rest; still there after a restart',
  )
  reopened.recordModelEvent({
    eventId: records[0]!.predictionId,
    time: new Date('2026-01-01T00:00:00Z'),
    event: 'serving',
    variant: 'champion',
    modelName: 'day7-revenue',
    modelVersion: '1',
    host: 'here',
    detail: null,
  })
  await reopened.append([recordOf()])
  await shipped(reopened)
  await reopened.close(5000)
}

t.test('the embedded server', async (t) => {
  const folder = dataFolder(t)
  await remembersAndCounts(t, folder, { dataFolder: folder })
  const embedded = await openEmbeddedDatabase(folder)
  const sql = postgres({ path: embedded.socket, user: 'postgres', database: 'postgres', max: 1 })
  const [row] = await sql`select * from ${sql(`predictions_of_${NINE_FIELDS.id}`)} where platform is null`
  t.match(row, {
    user_id: null,
    country_region: `Île-de-France 'drop "table" \\N\t\r\n😀`,
    source: '',
    device_family: '\\N',
    os_version: '\\.',
    event_1: 1e308,
    event_2: 5e-324,
    event_3: null,
    time: new Date('2026-01-03T00:00:00Z'),
  })
  t.match(await sql`select * from model_events`, [{ event: 'serving', model_version: '1', host: 'here' }])
  await sql.end()
  await embedded.close()
})

t.test('a PostgreSQL server', async (t) => {
  const server = await createPostgresServer()
  t.teardown(() => server.remove())
  await remembersAndCounts(t, dataFolder(t), { url: server.url })
  const sql = postgres(server.url, { max: 1, onnotice: () => {} })
  t.teardown(() => sql.end())
  const counted = async () => Number((await sql`select count(*) from predictions`)[0]!['count'])

  await t.test('the server goes away and comes back', async (t) => {
    const log = openLog(dataFolder(t), { url: server.url })
    const before = await counted()
    await log.append([recordOf()])
    await shipped(log)
    await server.stop()
    await log.append([recordOf()])
    await backsOff(log)
    t.ok(log.status().spool.bytes > 0)
    t.ok(log.status().lastError)
    await t.rejects(statisticsOf(log), LogUnavailableError)
    await server.start()
    await shipped(log)
    t.equal(await counted(), before + 2)
    await log.close(5000)
  })

  await t.test('a record that cannot be stored costs no other', async (t) => {
    const folder = dataFolder(t)
    const log = openLog(folder, { url: server.url })
    const before = await counted()
    await log.append([recordOf(), recordOf({ userId: 'a\u0000b' }), recordOf()])
    await shipped(log)
    t.equal(await counted(), before + 2)
    t.match(log.status(), { shipped: 2, quarantined: 1 })
    await log.close(5000)
  })

  await t.test('a table that refuses everything costs no record', async (t) => {
    const log = openLog(dataFolder(t), { url: server.url })
    const before = await counted()
    await sql`alter table predictions add constraint closed check (predicted_revenue < 0) not valid`
    await log.append([recordOf(), recordOf({ userId: 'a\u0000b' }), recordOf()])
    await backsOff(log)
    t.match(log.status(), { shipped: 0, quarantined: 0, lastError: 'TABLE_REFUSES' })
    await sql`alter table predictions drop constraint closed`
    await shipped(log)
    t.match(log.status(), { shipped: 2, quarantined: 1, lastError: null })
    await sql`alter table predictions add constraint poor check (predicted_revenue < 1000) not valid`
    await log.append([recordOf(), recordOf({ predictedRevenue: 1e6 })])
    await shipped(log)
    t.match(log.status(), { shipped: 3, quarantined: 2 }, 'one that refuses some is of those')
    await sql`alter table predictions drop constraint poor`
    t.equal(await counted(), before + 3)
    await log.close(5000)
  })

  await t.test('a connection that is cut in the middle of a shipment leaves no half batch', async (t) => {
    const proxy = await cuttingProxy(t, new URL(server.url))
    const database = new RemoteDatabase({ url: proxy.url })
    await database.call('probe')
    const before = await counted()
    const path = join(dataFolder(t), 'some.v2.segment')
    const lines = linesOf(Array.from({ length: 4000 }, () => recordOf()))
    await writeFile(path, lines)
    for (const cutAfterBytes of [10, 1000, 300_000, lines.length, lines.length + 500]) {
      proxy.cutAfter(cutAfterBytes)
      await t.rejects(database.call('ship', path), { code: /\w/ }, `cut after ${cutAfterBytes} bytes`)
      t.equal(await counted(), before)
    }
    proxy.cutAfter(Infinity)
    t.match(await database.call('ship', path), { count: 4000, bad: [], refusals: [] })
    t.equal(await counted(), before + 4000)
    await database.close(1000)
  })

  await t.test('segments that are shipped at once are stored one after the other', async (t) => {
    const database = new RemoteDatabase({ url: server.url })
    const before = await counted()
    const folder = dataFolder(t)
    const records = Array.from({ length: 6 }, (_, i) => recordOf(i === 1 ? { userId: 'a\u0000b' } : {}))
    const shadowed = records[2]!
    const shadow = { ...shadowed, inputs: null, row: [], modelVersion: '2', variant: SHADOW }
    const paths = ['1', '2', '3'].map((name) => join(folder, `${name}.v2.segment`))
    await writeFile(paths[0]!, linesOf(records.slice(0, 3)))
    await writeFile(paths[1]!, linesOf([shadow, ...records.slice(3, 5)]))
    await writeFile(paths[2]!, linesOf(records.slice(5)))
    const [first, second, third] = await Promise.all(paths.map((path) => database.call('ship', path)))
    t.match(
      first,
      { count: 2, refusals: [/\w/] },
      'the one at fault is looked for in transactions of their own',
    )
    t.match([second, third], [{ count: 3 }, { count: 1 }])
    t.equal(await counted(), before + 5)
    const [row] =
      await sql`select shadow_version from predictions where prediction_id = ${shadowed.predictionId}`
    t.equal(row!['shadow_version'], '2', 'the shadow of a prediction that was shipped beside it')
    await database.close(1000)
  })

  await t.test('a source that fails in the middle of the copy leaves no half batch', async (t) => {
    const database = new Database({ url: server.url })
    const before = await counted()
    async function* failing(): AsyncGenerator<Buffer> {
      yield linesOf([recordOf(), recordOf()])
      throw new Error('the disk cannot be read')
    }
    await t.rejects(database.keep(failing(), noSchema), { message: 'the disk cannot be read' })
    t.equal(await counted(), before)
    await database.keep(each(linesOf([recordOf()])), noSchema)
    t.equal(await counted(), before + 1)
    await database.close(1000)
  })

  await t.test('a server that refuses to let us in', async (t) => {
    const url = new URL(server.url)
    url.password = 'wrong'
    const database = new RemoteDatabase({ url: url.href })
    await t.rejects(database.call('probe'), { code: '28P01' })
    await database.close(1000)
  })
})

t.test('an error is the caller’s, with its code', async (t) => {
  const database = new RemoteDatabase({ url: await newDatabase(t) })
  t.teardown(() => database.close(1000))
  await database.call('probe')
  const failing = database.call('ship', join(dataFolder(t), 'no such file'))
  await t.rejects(failing, { code: 'SEGMENT_UNREADABLE' }, 'an error that is caught ends nothing')
  await database.close(5000)
})

t.test('no server there', async (t) => {
  const folder = dataFolder(t)
  const log = openLog(folder, { url: 'postgres://nobody@127.0.0.1:1/none' })
  await log.append([recordOf()])
  await backsOff(log)
  t.match(log.status(), { dropped: 0, spooled: 1, lastError: 'ECONNREFUSED' })
  t.ok(log.status().failures >= 1)
  t.equal(log.status().shipments.count, 0)
  await t.rejects(statisticsOf(log), LogUnavailableError)
  await log.close(100)
  t.equal(log.status().state, 'closed')
  t.ok(log.status().spool.bytes > 0, 'the spool keeps it')
})

/** Passes bytes on to a server, until it has passed so many from the client; then it cuts. */
async function cuttingProxy(t: Test, target: URL) {
  let left = Infinity
  const sockets = new Set<Socket>()
  const proxy: Server = createServer((client) => {
    const server = connect(Number(target.port), target.hostname)
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket
        .on('error', () => {})
        .on('close', () => {
          client.destroy()
          server.destroy()
        })
    }
    server.pipe(client)
    client.on('data', (bytes) => {
      server.write(bytes.subarray(0, left))
      left -= bytes.length
      if (left <= 0) client.destroy()
    })
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })
  const url = new URL(target)
  url.port = String((proxy.address() as { port: number }).port)
  return { url: url.href, cutAfter: (bytes: number) => void (left = bytes) }
}
