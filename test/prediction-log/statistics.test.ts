/**
 * What `/stats` answers is what counting the predictions gives, however they came into the database.
 */
import { copyFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sql } from 'postgres'
import t, { type Test } from 'tap'
import {
  type PredictionLog,
  type Resolution,
  type Statistics,
  type StatisticsWindow,
  type Totals,
  WINDOWS,
} from '../../src/prediction-log/index.ts'
import {
  appendAndShip,
  leaveInSpool,
  openLog,
  type Place,
  PLACES,
  randomFrom,
  recount,
  serverPlace,
  shipped,
} from './log.ts'
import { recordOf, type TestRecord } from './records.ts'

const NOW = new Date('2026-03-10T12:34:56.789Z')
const now = (): Date => NOW
const HOUR_MS = 3_600_000

const PLATFORMS = ['iOS', 'IOS', 'ios', 'Android', 'ANDROID', 'İos', '', null]
const COUNTRIES = [
  'es',
  'ES',
  'Es',
  'fr',
  'de',
  'it',
  'pt',
  'us',
  'US',
  'br',
  'jp',
  'kr',
  'mx',
  'ÅX',
  'Unknown',
  null,
]

/** Of several days, half of them of the last hours. */
function randomRecords(count: number, seed: number): TestRecord[] {
  const random = randomFrom(seed)
  const one = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!
  return Array.from({ length: count }, () => {
    const ageMs = Math.floor(random() * (random() < 0.5 ? 2 : 24 * 11) * HOUR_MS)
    const number = (): number | null => (random() < 0.2 ? null : Math.floor(random() * 100))
    return recordOf({
      time: new Date(NOW.getTime() - ageMs),
      userId: random() < 0.3 ? null : `player ${Math.floor(random() * 50)}`,
      install: {
        country: one(COUNTRIES),
        country_region: one(['Madrid', null]),
        source: one(['Organic', null]),
        platform: one(PLATFORMS),
        device_family: null,
        os_version: '14.4',
        event_1: number(),
        event_2: number(),
        event_3: number(),
      },
      predictedRevenue: random() < 0.3 ? 0 : Math.round(random() * 1e9) / 1e6,
      inferenceTimeUs: random() * 100,
    })
  })
}

const FACETS = ['source', 'country', 'nobody has it']

/** Every window alone, and with each of its buckets. */
const QUESTIONS = (Object.keys(WINDOWS) as StatisticsWindow[]).flatMap((window) =>
  [null, ...WINDOWS[window].resolutions].map((bucket) => ({ window, bucket, facets: FACETS, now: NOW })),
)

const LENGTH_MS = { minute: 60_000, hour: HOUR_MS, day: 24 * HOUR_MS }

/** The answer to a question, counted from the predictions themselves. */
async function countDirectly(
  sql: Sql,
  window: StatisticsWindow,
  bucket: Resolution | null,
): Promise<Statistics> {
  const { hours, resolutions } = WINDOWS[window]
  const lengthMs = Math.max(LENGTH_MS[bucket ?? resolutions[0]], LENGTH_MS[resolutions[0]])
  const from =
    hours === null ? null : new Date(Math.floor((NOW.getTime() - hours * HOUR_MS) / lengthMs) * lengthMs)
  const since = sql`from predictions where time >= ${from ?? new Date(0)}`
  const figures = sql`
    count(*)::int as "totalPredictions", avg(predicted_revenue::numeric)::float8 as "avgPredictedRevenue",
    min(predicted_revenue) as "minPredictedRevenue", max(predicted_revenue) as "maxPredictedRevenue",
    avg(inference_time_us::numeric)::float8 as "avgInferenceTimeUs", min(time) as "firstPrediction", max(time) as "lastPrediction"`
  const lowerCase = (facet: string) => sql`lower(coalesce(inputs ->> ${facet}, 'unknown') collate "C")`
  const [totals] = await sql<[Totals]>`select ${figures} ${since}`
  const platforms =
    await sql`select ${lowerCase('platform')} as value, count(*)::int as count ${since} group by 1`
  const topCountries = await sql<{ country: string; count: number }[]>`
    select ${lowerCase('country')} as country, count(*)::int as count ${since} group by 1 order by 2 desc, 1 limit 10`
  const facets = await Promise.all(
    FACETS.slice(0, 2).map(async (facet) => ({
      facet,
      values: [
        ...(await sql<{ value: string; count: number }[]>`
          select ${lowerCase(facet)} as value, count(*)::int as count ${since} group by 1 order by 2 desc, 1 limit 10`),
      ],
    })),
  )
  const buckets =
    bucket &&
    (await sql`select date_trunc(${bucket}, time, 'UTC') as start, ${figures} ${since} group by 1 order by 1`)
  return {
    from,
    ...totals,
    platforms: Object.fromEntries(platforms.map(({ value, count }) => [value, count])),
    topCountries: [...topCountries],
    facets: [...facets, { facet: FACETS[2]!, values: [] }],
    buckets: buckets && ([...buckets] as unknown as NonNullable<Statistics['buckets']>),
  }
}

async function asked(log: PredictionLog): Promise<Statistics[]> {
  const answers: Statistics[] = []
  for (const question of QUESTIONS) answers.push(await log.statistics(question))
  return answers
}

const counted = (place: Place): Promise<Statistics[]> =>
  place.sql(async (sql) => {
    const answers: Statistics[] = []
    for (const { window, bucket } of QUESTIONS) answers.push(await countDirectly(sql, window, bucket))
    return answers
  })

async function agrees(t: Test, place: Place): Promise<void> {
  const log = openLog(t, place, { now })
  await shipped(log)
  t.match(
    await log.statistics({ window: '1h', bucket: 'minute', facets: [], now: NOW }),
    {
      totalPredictions: 0,
      avgPredictedRevenue: null,
      firstPrediction: null,
      platforms: {},
      topCountries: [],
      buckets: [],
    },
    'of an empty log',
  )
  const records = randomRecords(1500, 1)
  for (let i = 0; i < records.length; i += 300) await appendAndShip(log, records.slice(i, i + 300))
  const answers = await asked(log)
  await log.close(5000)

  t.same(answers, await counted(place), 'every window and bucket')
  const hour = QUESTIONS.findIndex(({ window, bucket }) => window === '1h' && bucket === 'minute')
  t.equal(
    answers[hour]!.from!.toISOString(),
    '2026-03-10T11:34:00.000Z',
    'a window starts at the start of a bucket',
  )
  t.equal(
    answers[hour]!.totalPredictions,
    records.filter(({ time }) => time >= answers[hour]!.from!).length,
    'and holds what was made since',
  )
  const all = answers.at(-1)!
  t.equal(all.totalPredictions, records.length)
  t.equal(
    all.platforms['ios'],
    records.filter(({ install }) => install.platform?.toLowerCase() === 'ios').length,
    'in lower case',
  )
  t.equal(
    all.platforms['unknown'],
    records.filter(({ install }) => install.platform === null).length,
    'null is unknown',
  )

  t.same(await place.sql(recount), [], 'counting afresh gives the same rows')
}

for (const [name, placeOf] of Object.entries(PLACES))
  t.test(`${name}: the statistics are what counting gives`, async (t) => agrees(t, await placeOf(t)))

t.test('a PostgreSQL server', async (t) => {
  await t.test('what is shipped twice is counted once', async (t) => {
    const place = await serverPlace(t)
    const spool = join(place.dataFolder, 'spool')
    const records = randomRecords(300, 2)
    await leaveInSpool(t, place.dataFolder, records)
    const segment = (await readdir(spool)).find((file) => file.endsWith('.segment'))
    const copyAs = (owner: string) =>
      copyFile(join(spool, segment!), join(spool, `${owner}-000001.v2.segment`))
    await copyAs('another')
    const log = openLog(t, place, { now })
    await shipped(log)
    t.equal(log.status().shipped, 2 * records.length)
    const answers = await asked(log)
    await log.close(5000)
    t.same(answers, await counted(place))
    t.equal(answers.at(-1)!.totalPredictions, records.length)
    t.same(await place.sql(recount), [])

    await leaveInSpool(t, place.dataFolder, [...records.slice(0, 10), recordOf({ time: NOW })])
    const later = openLog(t, place, { now })
    await shipped(later)
    const { totalPredictions } = await later.statistics({ window: 'all', bucket: null, facets: [], now: NOW })
    t.equal(
      totalPredictions,
      records.length + 1,
      'of a shipment that is known in part, the new part is counted',
    )
    t.same(await asked(later), await counted(place))
  })

  await t.test(
    'a shipment takes buckets in the order of their keys, so no two wait in a circle',
    async (t) => {
      const place = await serverPlace(t)
      const log = openLog(t, place, { now })
      const records = randomRecords(200, 4)
      await appendAndShip(log, records)
      // The same once more under other ids.
      const again = randomRecords(200, 4)
      for (const [table, key] of [
        ['prediction_counts', 'resolution, start, dimension, value collate "C"'],
        ['prediction_totals', 'resolution, start'],
      ] as const) {
        await place.sql((sql) =>
          sql.begin(async (transaction) => {
            await transaction.unsafe(`select from ${table} order by ${key} limit 1 for update`)
            await log.append(again.splice(0, 100))
            const waits = () =>
              transaction`select from pg_locks where not granted and locktype = 'transactionid'`
            while ((await waits()).length === 0);
            await t.resolves(
              transaction.unsafe(`select from ${table} for update nowait`).execute(),
              `it waits for the first row of ${table} and has none of the others`,
            )
          }),
        )
        await shipped(log)
      }
    },
  )

  await t.test('two processes ship into the same buckets at once', async (t) => {
    const place = await serverPlace(t)
    const records = randomRecords(6000, 3)
    // The same predictions in part: what one process left, another may have taken over.
    const parts = [records.slice(0, 3500), records.slice(2500).toReversed()]
    const refusals: unknown[] = []
    const note = ({ err }: { err?: Error }): void =>
      void (err?.name === 'PostgresError' && refusals.push(err.message))
    const logger = { info: () => {}, warn: note, error: note }
    const logs = parts.map(() => openLog(t, place, { now, flushIntervalMs: 1, logger }))
    await Promise.all(logs.map((log) => shipped(log)))
    await Promise.all(
      logs.map(async (log, i) => {
        for (let at = 0; at < parts[i]!.length; at += 50) {
          await log.append(parts[i]!.slice(at, at + 50))
          if (at % 500 === 0) await shipped(log)
        }
        await shipped(log)
      }),
    )
    t.same(refusals, [], 'neither stands in the other’s way')
    const answers = await asked(logs[0]!)
    await Promise.all(logs.map((log) => log.close(5000)))
    t.same(answers, await counted(place))
    t.same(await place.sql(recount), [])
  })
})
