/**
 * What the log gives for a comparison: the pairs and the arms of known rows, and the users of either arm.
 */
import t, { type Test } from 'tap'
import { v7 as uuidv7 } from 'uuid'
import { compareAside } from '../../src/experiments/index.ts'
import type { ModelEvent, PredictionLog, PredictionRecord } from '../../src/prediction-log/index.ts'
import { queryExperiment } from '../../src/prediction-log/tables/experiments.ts'
import { appendAndShip, openLog, type Place, PLACES, randomFrom, serverPlace } from './log.ts'
import { recordOf } from './records.ts'

const NOW = new Date('2026-03-20T00:00:00.000Z')
const DAY_MS = 86_400_000
const daysAgo = (days: number): Date => new Date(NOW.getTime() - days * DAY_MS)
const QUERY = { champion: '1', challenger: '2', days: 28, now: NOW }

const byChampion = (days: number, userId: string | null, predictedRevenue: number): PredictionRecord =>
  recordOf({ time: daysAgo(days), userId, predictedRevenue, modelVersion: '1', variant: 'champion' })
const byChallenger = (days: number, userId: string | null, predictedRevenue: number): PredictionRecord =>
  recordOf({ time: daysAgo(days), userId, predictedRevenue, modelVersion: '2', variant: 'challenger' })

const serving = (days: number, variant: string, modelVersion: string): ModelEvent => ({
  eventId: uuidv7(),
  time: daysAgo(days),
  event: 'serving',
  variant,
  modelName: 'day7-revenue',
  modelVersion,
  host: 'here',
  detail: null,
})

/** Both are in service from 40 days ago; the split is `splitDays` old. */
async function openTrial(t: Test, place: Place, splitDays: number | null): Promise<PredictionLog> {
  const log = openLog(t, place, { now: () => NOW })
  log.recordModelEvent(serving(40, 'champion', '1'))
  log.recordModelEvent(serving(40, 'challenger', '2'))
  await appendAndShip(log, [])
  if (splitDays === null) return log
  await log.close(5000)
  await place.sql(
    (sql) => sql`
      insert into rollout_settings (changed_at, challenger_share, salt, shadow, origin, host)
      values (${daysAgo(splitDays)}, 0.25, 'salt', true, 'admin', 'here')`,
  )
  return openLog(t, place, { now: () => NOW })
}

async function appendShadows(
  log: PredictionLog,
  pairs: readonly (readonly [PredictionRecord, number, string])[],
) {
  log.recordShadows(
    pairs.map(([{ predictionId, time, userId }, revenue, modelVersion]) => ({
      ...{ predictionId, time, userId, revenue, modelVersion },
      rawScore: 0,
      inferenceTimeUs: 1,
      modelName: 'day7-revenue',
    })),
  )
  await appendAndShip(log, [])
}

const mature = (log: PredictionLog, revenues: Readonly<Record<string, number>>, observedAt = NOW) =>
  log.recordOutcomes(
    Object.entries(revenues).map(([userId, revenue]) => ({
      predictionId: null,
      userId,
      revenue,
      observedAt,
    })),
  )

/** Rows as texts, in an order that does not depend on hashes. */
const rowsOf = (rows: { readonly actual: Float64Array }, ...columns: Float64Array[]): string[] =>
  [...rows.actual]
    .map((actual, row) => [actual, ...columns.map((column) => column[row])].join(' '))
    .toSorted()

async function knownRows(t: Test, place: Place): Promise<void> {
  const log = await openTrial(t, place, 12)
  const old = byChampion(20, 'a', 1)
  const again = byChampion(11, 'a', 2)
  const other = byChampion(10, 'b', 3)
  const nobody = byChampion(10, null, 4)
  const fresh = byChampion(3, 'c', 5)
  await log.append([
    ...[old, again, other, nobody, fresh],
    byChallenger(11, 'd', 6),
    byChallenger(20, 'd', 7),
    byChallenger(2, 'e', 8),
    byChampion(29, 'f', 9), // before the window
    recordOf({ time: daysAgo(10), userId: 'g', modelVersion: '0' }), // another version
    recordOf({ time: daysAgo(10), userId: 'h', modelVersion: '1', variant: 'challenger' }),
  ])
  await appendShadows(log, [
    [old, 1.5, '2'],
    [again, 2.5, '2'],
    [other, 3.5, '0'],
    [fresh, NaN, '2'], // it had no answer
  ])
  await mature(log, { a: 10, b: 0, c: 1, d: 20, e: 1, f: 1, g: 1, h: 1 })
  await log.recordOutcomes([
    { predictionId: nobody.predictionId, userId: null, revenue: 30, observedAt: NOW },
  ])

  const { from, pairs, champion, challenger, sampled, split, failures } = await log.experiment(QUERY)
  t.same(failures, { asked: 6, failed: 1 }, 'three in shadow, three in its arm')
  t.same(from, daysAgo(28))
  t.same(
    rowsOf(pairs, pairs.champion, pairs.challenger),
    ['10 1 1.5', '10 2 2.5'],
    'pairs of the whole window',
  )
  t.equal(pairs.users, 1, 'of one user')
  t.same([...pairs.user], [0, 0])
  t.same(rowsOf(champion, champion.predicted), ['0 3', '10 2', '30 4'], 'arms since the split')
  t.equal(champion.users, 3)
  t.same(rowsOf(challenger, challenger.predicted), ['20 6'])
  t.equal(sampled, false)
  t.same(split, {
    since: new Date(daysAgo(12).getTime() + 10_000),
    until: null,
    challengerShare: 0.25,
    champion: 4,
    challenger: 2,
    both: 0,
  })

  t.match((await log.experiment({ ...QUERY, days: 9 })).split, {
    since: daysAgo(9),
    champion: 1,
    challenger: 1,
  })
  t.match(await log.experiment({ ...QUERY, challenger: 'none' }), {
    split: null,
    pairs: { users: 0 },
    champion: { users: 0 },
    challenger: { users: 0 },
  })
  await log.append([byChallenger(8, 'a', 1)])
  await appendAndShip(log, [])
  t.match((await log.experiment(QUERY)).split, { champion: 4, challenger: 3, both: 1 }, 'a user in both arms')
  await log.close(5000)

  const few = await place.sql((sql) => queryExperiment(sql, QUERY, 2))
  t.match(few, { sampled: true, pairs: { users: 1 } })
  t.ok(few.champion.actual.length <= 2 && few.champion.users >= 1, 'whole users, as many as fit')
  const users = await place.sql((sql) => queryExperiment(sql, QUERY, 2))
  t.same(users.champion, few.champion, 'and the same ones again')
}

async function unsplit(t: Test, place: Place): Promise<void> {
  const log = await openTrial(t, place, null)
  await appendAndShip(log, [byChampion(10, 'a', 1), byChallenger(10, 'b', 1)])
  await mature(log, { a: 1, b: 1 })
  t.match(await log.experiment(QUERY), { split: null, champion: { users: 0 }, challenger: { users: 0 } })
  await log.close(5000)
}

async function asAccuracy(t: Test, place: Place): Promise<void> {
  const log = await openTrial(t, place, 30)
  const random = randomFrom(5)
  const revenues: Record<string, number> = {}
  // Each user once: accuracy counts installs.
  const records = Array.from({ length: 1200 }, (_, i) => {
    const userId = `player ${i}`
    revenues[userId] = random() < 0.7 ? 0 : Math.ceil(random() * 20)
    const answer = i < 900 ? byChampion : byChallenger
    return answer(8 + random() * 19, userId, Math.round(random() * 20) / 4)
  })
  await appendAndShip(log, records)
  await mature(log, revenues)
  const { groups } = await log.accuracy({ days: 28, by: 'variant', now: NOW })
  const rows = await log.experiment(QUERY)
  await log.close(5000)
  t.match(rows.split, { champion: 900, challenger: 300, challengerShare: 0.25 })
  const { basis, differences, sampleRatio, champion, challenger } = await compareAside(rows)
  t.equal(basis, 'between')
  t.match(sampleRatio, { mismatch: false })
  t.match([champion, challenger], [{ users: 900 }, { users: 300 }])
  for (const { value, matured, ...figures } of groups!) {
    const variant = value as 'champion' | 'challenger'
    t.equal({ champion, challenger }[variant].predictions, matured)
    for (const figure of ['mae', 'biasRatio', 'normalisedGini'] as const) {
      const found = differences![figure][variant]
      t.ok(Math.abs(found - figures[figure]!) <= 1e-12 * Math.abs(found), `${figure} of the ${variant}`)
    }
  }
}

for (const [name, placeOf] of Object.entries(PLACES))
  t.test(name, async (t) => {
    await t.test('known rows', async (t) => knownRows(t, await placeOf(t)))
    await t.test('figures are those of /accuracy', async (t) => asAccuracy(t, await placeOf(t)))
  })

t.test('a split that is not on record', async (t) => unsplit(t, await serverPlace(t)))
