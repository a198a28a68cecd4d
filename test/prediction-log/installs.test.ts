/**
 * Installs and cohorts are what counting all predictions and outcomes anew would give, in whatever order they came.
 */
import type { Sql } from 'postgres'
import t, { type Test } from 'tap'
import type { Outcome, PredictionLog } from '../../src/prediction-log/index.ts'
import { appendAndShip, openLog, type Place, randomFrom, serverPlace } from './log.ts'
import { recordOf, type TestRecord } from './records.ts'

const NOW = new Date('2026-03-20T00:00:00.000Z')
const DAY_MS = 86_400_000
const HORIZON_MS = 7 * DAY_MS
const QUERY = { days: 400, by: null, now: NOW }

interface Predicted {
  readonly id: string
  readonly time: Date
  readonly user: string | null
  readonly revenue: number
  readonly cohort: string
}

interface Reported {
  readonly id: string
  readonly prediction: string | null
  readonly user: string | null
  readonly revenue: number
  readonly observed: Date
}

interface Install {
  readonly first: Predicted
  readonly outcome: Reported | null
  readonly isMatured: boolean
}

/** As the rules have it, written down a second time. */
function installsOf(predicted: readonly Predicted[], reported: readonly Reported[]): Install[] {
  const byUser = Map.groupBy(predicted, ({ id, user }) => user ?? id)
  return [...byUser.values()].map((predictions) => {
    const [first] = predictions.toSorted(
      (a, b) => a.time.getTime() - b.time.getTime() || (a.id < b.id ? -1 : 1),
    ) as [Predicted]
    const isMatured = ({ observed }: Reported): boolean =>
      observed.getTime() >= first.time.getTime() + HORIZON_MS
    const [outcome = null] = reported
      .filter(({ prediction, user }) =>
        prediction ? predictions.some(({ id }) => id === prediction) : user === first.user,
      )
      .toSorted(
        (a, b) =>
          Number(isMatured(b)) - Number(isMatured(a)) ||
          Number(b.prediction !== null) - Number(a.prediction !== null) ||
          b.observed.getTime() - a.observed.getTime() ||
          Number(b.id) - Number(a.id),
      )
    return { first, outcome, isMatured: outcome !== null && isMatured(outcome) }
  })
}

/** Each cohort that has installs, with its sums. */
function cohortsOf(installs: readonly Install[]): Record<string, readonly number[]> {
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  const groups = Object.groupBy(installs, ({ first }) => first.cohort)
  return Object.fromEntries(
    Object.entries(groups).map(([cohort, some]) => {
      const reported = some!.filter(({ outcome }) => outcome)
      const matured = some!.filter(({ isMatured }) => isMatured)
      return [
        cohort,
        [
          some!.length,
          sum(some!.map(({ first }) => first.revenue)),
          reported.length,
          sum(reported.map(({ outcome }) => outcome!.revenue)),
          matured.length,
          sum(matured.map(({ first }) => first.revenue)),
          sum(matured.map(({ outcome }) => outcome!.revenue)),
        ],
      ]
    }),
  )
}

const cohortsIn = async (sql: Sql): Promise<Record<string, readonly number[]>> => {
  const rows = await sql<{ name: string; sums: string[] }[]>`
    select concat_ws(' ', day, model_version, variant, facets::text) as name,
      array[installs, predicted, reported, actual, matured, matured_predicted, matured_actual]::text[] as sums
    from cohorts where installs > 0`
  return Object.fromEntries(rows.map(({ name, sums }) => [name, sums.map(Number)]))
}

const wantedIn = async (sql: Sql): Promise<Record<string, readonly number[]>> => {
  const predicted = await sql<Predicted[]>`
    select prediction_id as id, time, user_id as user, predicted_revenue as revenue,
      concat_ws(' ', (time at time zone 'UTC')::date, model_version, variant,
        array[day7_facet_value(inputs ->> 'country'), day7_facet_value(inputs ->> 'source'),
          day7_facet_value(inputs ->> 'platform')]::text) as cohort
    from predictions`
  const reported = await sql<Reported[]>`
    select outcome_id as id, prediction_id as prediction, user_id as user, revenue, observed_at as observed from outcomes`
  return cohortsOf(installsOf(predicted, reported))
}

async function isRight(t: Test, place: Place, message: string): Promise<void> {
  const { found, wanted } = await place.sql(async (sql) => ({
    found: await cohortsIn(sql),
    wanted: await wantedIn(sql),
  }))
  t.ok(Object.keys(wanted).length > 0)
  t.same(found, wanted, message)
}

function someRecords(random: () => number, count: number): TestRecord[] {
  const one = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!
  return Array.from({ length: count }, () =>
    recordOf({
      time: new Date(NOW.getTime() - Math.floor((1 + random() * 20) * DAY_MS)),
      userId: random() < 0.1 ? null : `player ${Math.floor(random() * 60)}`,
      install: { ...recordOf().install, country: one(['es', 'ES', 'fr', null]) },
      predictedRevenue: Math.floor(random() * 40) / 4,
      modelVersion: one(['1', '2']),
      variant: one(['champion', 'challenger']),
    }),
  )
}

function someOutcomes(random: () => number, records: readonly TestRecord[], count: number): Outcome[] {
  return Array.from({ length: count }, () => {
    const { predictionId, userId, time } = records[Math.floor(random() * records.length)]!
    const ofUser = userId !== null && random() < 0.5
    return {
      predictionId: ofUser ? null : predictionId,
      userId: ofUser ? userId : null,
      revenue: Math.floor(random() * 40) / 4,
      observedAt: new Date(time.getTime() + Math.floor(random() * 12) * DAY_MS),
    }
  })
}

t.test('whatever comes in whatever order, from two processes', async (t) => {
  const place = await serverPlace(t)
  const logs = [openLog(t, place), openLog(t, { ...(await serverPlace(t)), database: place.database })]
  const random = randomFrom(11)
  const records: TestRecord[] = []
  for (let round = 1; round <= 8; round++) {
    const fresh = someRecords(random, 40)
    records.push(...fresh)
    // Outcomes of what is there, and of what comes later.
    await Promise.all(
      logs.map(async (log, at) => {
        await log.recordOutcomes(someOutcomes(random, records, 30))
        await appendAndShip(
          log,
          fresh.filter((_, i) => i % logs.length === at),
        )
        await log.accuracy(QUERY)
      }),
    )
    if (round % 3 === 0)
      await logs[0]!.eraseUsers([`player ${round}`, `player ${round + 20}`, 'player of nobody'])
    await settledBy(logs)
    await isRight(t, place, `round ${round}`)
  }
})

/** Nobody else settles meanwhile: a question to each brings it to an end. */
async function settledBy(logs: readonly PredictionLog[]): Promise<void> {
  for (const log of logs) await log.accuracy(QUERY)
}

t.test('what is older than the retention is gone', async (t) => {
  const place = await serverPlace(t)
  const today = new Date()
  const record = (daysAgo: number): TestRecord =>
    recordOf({ time: new Date(today.getTime() - daysAgo * DAY_MS), userId: `player ${daysAgo}` })
  const log = openLog(t, place)
  await appendAndShip(log, [record(30), record(12), record(3)])
  await log.accuracy({ ...QUERY, now: today })
  await place.sql((sql) => sql`select day7_maintain((now() at time zone 'UTC')::date, 10)`)
  const [left] = await place.sql(
    (sql) => sql`
      select (select count(*) from installs)::integer as installs, (select sum(installs) from cohorts)::integer as counted`,
  )
  t.same(left, { installs: 1, counted: 1 })
})
