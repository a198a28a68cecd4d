/**
 * `/training-data`: which installs are in it, and what is said of each.
 */
import t, { type Test } from 'tap'
import { NINE_FIELDS } from '../../src/inputs/index.ts'
import type { Outcome, PredictionLog, TrainingRow } from '../../src/prediction-log/index.ts'
import { EXAMPLE } from '../example.ts'
import { appendAndShip, openLog, serverPlace } from './log.ts'
import { recordOf, type TestRecord } from './records.ts'
import { AWAY, appWith, beAway, logWith, send } from '../http/app.ts'

const DAY_MS = 86_400_000
const TODAY = new Date()
/** Noon of a UTC day before today. */
const noon = (daysAgo: number): Date =>
  new Date(Math.floor(TODAY.getTime() / DAY_MS) * DAY_MS - daysAgo * DAY_MS + DAY_MS / 2)
const dayOf = (daysAgo: number): string => noon(daysAgo).toISOString().slice(0, 10)

async function appOn(t: Test, predictionLog: PredictionLog) {
  const { app } = await appWith({ predictionLog, now: () => new Date() })
  t.teardown(() => app.close())
  return app
}

type Row = Readonly<Record<string, unknown>>

const rowsIn = (text: string): Row[] =>
  text
    .split('\n')
    .filter((line) => line)
    .map((line) => JSON.parse(line) as Row)

const predicted = (daysAgo: number, userId: string | null, others: Partial<TestRecord> = {}): TestRecord =>
  recordOf({ time: noon(daysAgo), userId, ...others })

const spent = (record: TestRecord, revenue: number, afterDays = 7): Outcome => ({
  predictionId: null,
  userId: record.userId,
  revenue,
  observedAt: new Date(record.time.getTime() + afterDays * DAY_MS),
})

t.test('a log', async (t) => {
  const log = openLog(t, await serverPlace(t))
  const app = await appOn(t, log)
  const payer = predicted(20, 'payer', { predictedRevenue: 3, modelVersion: '4' })
  const early = predicted(20, 'early')
  const erased = predicted(20, 'erased')
  const alone = predicted(20, null, { install: { ...EXAMPLE, country: null } })
  const others = ['a', 'b'].map((user) => predicted(20, user))
  await appendAndShip(log, [
    payer,
    recordOf({ ...payer, ...recordOf({ time: noon(19) }), userId: 'payer', predictedRevenue: 9 }),
    ...[early, erased, alone, ...others],
    ...['c', 'd', 'e', 'f'].map((user) => predicted(15, user)),
    ...['g', 'h'].map((user) => predicted(2, user)),
  ])
  await log.recordOutcomes([
    spent(payer, 5),
    spent(payer, 4, 8),
    spent(early, 1, 6),
    spent(erased, 2),
    { ...spent(alone, 0.5), predictionId: alone.predictionId },
  ])
  await log.eraseUsers(['erased'])

  t.test('an install is a row, with its inputs, its revenue and what was predicted', async (t) => {
    const response = await app.inject({ url: '/training-data' })
    t.equal(response.statusCode, 200)
    t.match(response.headers, {
      'content-type': 'application/x-ndjson',
      'x-day7-schema-id': NINE_FIELDS.id,
    })
    const rows = rowsIn(response.body)
    t.same(
      rows.map((row) => row['day7_user_id']).toSorted(),
      ['a', 'b', 'payer', null].toSorted(),
      'neither who is erased, nor who was observed too early, nor days without outcomes',
    )
    t.same(
      rows.find((row) => row['day7_user_id'] === 'payer'),
      {
        ...EXAMPLE,
        revenue: 4,
        day7_user_id: 'payer',
        day7_prediction_id: payer.predictionId,
        day7_predicted_at: payer.time.toISOString(),
        day7_predicted_revenue: 3,
        day7_model: 'day7-revenue/4',
        day7_variant: 'champion',
        day7_observed_at: new Date(payer.time.getTime() + 8 * DAY_MS).toISOString(),
        day7_outcome: 'reported',
      },
    )
    t.same(
      Object.keys(rows[0]!).slice(0, 10),
      [...NINE_FIELDS.fields.map(({ name }) => name), 'revenue'],
      'in the order of the schema',
    )
    t.match(
      rows.find((row) => row['day7_user_id'] === 'a'),
      { revenue: 0, day7_observed_at: null, day7_outcome: 'no_outcome' },
      'a zero on a day whose outcomes were reported',
    )
  })

  t.test('as CSV', async (t) => {
    const response = await app.inject({ url: '/training-data?format=csv' })
    t.match(response.headers, { 'content-type': 'text/csv; charset=utf-8' })
    const [header, ...lines] = response.body.trimEnd().split('\n')
    t.match(header, /^country,country_region,.*,event_3,revenue,day7_user_id,.*,day7_outcome$/)
    t.equal(lines.length, 4)
    const line = lines.find((line) => line.includes(alone.predictionId))!
    t.match(line, /^,Madrid,/, 'null is an empty cell')
  })

  t.test('by day', async (t) => {
    const { body } = await send(app, { url: '/training-data/days' })
    t.match(body, { schema_id: NINE_FIELDS.id, inputs: NINE_FIELDS.document, horizon_days: 7 })
    t.same((body as { days: object[] }).days, [
      {
        ...{ day: dayOf(20), installs: 5, pending: 0, reported: 2, no_outcome: 2, left_out: 1 },
        ...{ complete: true, predicted_revenue: 3.25, revenue: 4.5 },
      },
      {
        ...{ day: dayOf(15), installs: 4, pending: 0, reported: 0, no_outcome: 0, left_out: 4 },
        ...{ complete: false, predicted_revenue: 0, revenue: 0 },
      },
      {
        ...{ day: dayOf(2), installs: 2, pending: 2, reported: 0, no_outcome: 0, left_out: 0 },
        ...{ complete: false, predicted_revenue: 0, revenue: 0 },
      },
    ])
  })

  t.test('a period', async (t) => {
    const usersIn = async (query: string) =>
      rowsIn((await app.inject({ url: `/training-data?${query}` })).body).length
    const at = noon(20).toISOString()
    t.equal(await usersIn(`since=${at}`), 4, 'its first millisecond is in')
    t.equal(await usersIn(`until=${at}`), 0, 'its last is not')
    t.equal(await usersIn(`since=${noon(19).toISOString()}`), 0, 'by the first prediction')
  })

  t.test('what is wrong', async (t) => {
    for (const [query, message] of [
      ['since=yesterday', /since: expected an ISO 8601 time/],
      ['since=0000-01-01T00:00:00Z', /since: expected an ISO 8601 time .*, from 1970 on, got/],
      ['since=2026-01-01T23:59:60Z', /since: expected an ISO 8601 time/],
      ['until=2020-01-01T00:00:00Z&since=2021-01-01T00:00:00Z', /until: expected a time after 2021-01-01/],
      ['format=parquet', /format: expected/],
      ['schema_id=nine', /schema_id: expected the id of an input schema/],
      ['user=1', /user/],
    ] as const)
      t.match(await send(app, { url: `/training-data?${query}` }), { status: 400, body: { message } })
    t.match(await send(app, { url: '/training-data?schema_id=0123456789abcdef' }), {
      status: 404,
      body: { code: 'SCHEMA_UNKNOWN' },
    })
  })
})

t.test('more than one page, and installs of one millisecond', async (t) => {
  const log = openLog(t, await serverPlace(t))
  const app = await appOn(t, log)
  const records = Array.from({ length: 4_100 }, (_, i) =>
    predicted(10, `player ${i}`, { predictedRevenue: i }),
  )
  await appendAndShip(log, records)
  await log.recordOutcomes(records.map((record) => spent(record, record.predictedRevenue)))
  const rows = rowsIn((await app.inject({ url: '/training-data' })).body)
  t.equal(rows.length, 4_100)
  t.equal(new Set(rows.map((row) => row['day7_user_id'])).size, 4_100)
  t.ok(rows.every((row) => row['revenue'] === row['day7_predicted_revenue']))
})

t.test('an answer that cannot go on is cut off', async (t) => {
  const { userId, predictionId, time, predictedRevenue, modelName, modelVersion, variant } = predicted(9, 'a')
  const row: TrainingRow = {
    ...{ installId: predictionId, userId, predictionId, time, predictedRevenue, modelName, modelVersion },
    ...{ variant, inputs: EXAMPLE, actualRevenue: 1, observedAt: time },
  }
  let pages = 0
  const app = await appOn(
    t,
    logWith({
      trainingDays: async () => ({ document: null, clock: TODAY, days: [], otherSchemas: [] }),
      trainingRows: async () => (pages++ === 0 ? Array.from({ length: 2_000 }, () => row) : beAway()),
    }),
  )
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const response = await fetch(`${url}/training-data`)
  t.equal(response.status, 200)
  await t.rejects(response.text(), 'and not taken for a whole one')
  t.equal(pages, 2)
})

t.test('while the database is away', async (t) => {
  const app = await appOn(t, logWith({ trainingDays: beAway }))
  for (const url of ['/training-data', '/training-data/days']) t.match(await send(app, { url }), AWAY)
})
