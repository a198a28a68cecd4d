/**
 * A shadow score lies beside its prediction, however the two come to the database.
 */
import t, { type Test } from 'tap'
import type { PredictionRecord, ShadowRecord } from '../../src/prediction-log/index.ts'
import { appendAndShip, openLog, type Place, PLACES, serverPlace } from './log.ts'
import { recordOf } from './records.ts'

const shadowOf = (record: PredictionRecord, revenue: number): ShadowRecord => ({
  predictionId: record.predictionId,
  time: record.time,
  userId: record.userId,
  revenue,
  rawScore: 1,
  inferenceTimeUs: 5,
  modelName: 'day7-revenue',
  modelVersion: 'new',
})

const shadowsIn = (place: Place) =>
  place.sql(
    (sql) =>
      sql`select user_id, inputs ->> 'country' as country, variant, shadow_version, shadow_revenue from predictions order by user_id`,
  )

const of = (userId: string, shadow: number | null) => ({
  user_id: userId,
  country: 'es',
  variant: 'champion',
  shadow_version: shadow === null ? null : 'new',
  shadow_revenue: shadow,
})

async function beside(t: Test, place: Place): Promise<void> {
  const [a, b, c] = ['a', 'b', 'c'].map((userId) => recordOf({ userId }))
  const log = openLog(t, place)
  const shipShadows = async (shadows: ShadowRecord[]): Promise<void> => {
    log.recordShadows(shadows)
    await appendAndShip(log, [])
  }
  const appended = log.append([a!, b!, c!])
  await shipShadows([shadowOf(a!, 7), shadowOf(a!, 7)]) // in the same segment
  await appended
  await shipShadows([shadowOf(b!, 8)])
  await shipShadows([shadowOf(b!, 9), shadowOf(recordOf({ userId: 'nobody' }), 1)])
  await appendAndShip(log, [a!])
  const { totalPredictions } = await log.statistics({
    window: 'all',
    bucket: null,
    facets: [],
    now: new Date(),
  })
  t.equal(totalPredictions, 3, 'shadows are no predictions')
  t.match(log.status(), { dropped: 0, quarantined: 0 })
  await log.close(5000)
  t.same(await shadowsIn(place), [of('a', 7), of('b', 8), of('c', null)], 'the first score stays')
}

for (const [name, placeOf] of Object.entries(PLACES)) t.test(name, async (t) => beside(t, await placeOf(t)))

t.test('an erased user’s shadow finds no prediction', async (t) => {
  const place = await serverPlace(t)
  const record = recordOf({ userId: 'gone', time: new Date() })
  const log = openLog(t, place)
  await log.append([record])
  await log.eraseUsers(['gone'])
  log.recordShadows([shadowOf(record, 7)])
  await appendAndShip(log, [])
  await log.close(5000)
  t.same(await shadowsIn(place), [])
})
