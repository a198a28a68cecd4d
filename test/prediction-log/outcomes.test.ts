/**
 * Outcomes may be reported in any order, again, and before their prediction has arrived.
 */
import t, { type Test } from 'tap'
import { LogUnavailableError, type Outcome, type PredictionLog } from '../../src/prediction-log/index.ts'
import { appendAndShip, NOWHERE, openLog, type Place, PLACES, serverPlace, shipped } from './log.ts'
import { recordOf } from './records.ts'

const NOW = new Date('2026-03-20T12:00:00.000Z')
const DAY_MS = 86_400_000
const ago = (days: number): Date => new Date(NOW.getTime() - days * DAY_MS)

const openIn = async (t: Test, place: Place): Promise<PredictionLog> => {
  const log = openLog(t, place, { now: () => NOW })
  await shipped(log)
  return log
}

const outcome = (key: Partial<Outcome>, revenue: number, observedAt: Date): Outcome => ({
  predictionId: null,
  userId: null,
  revenue,
  observedAt,
  ...key,
})

/** Key, revenue, and when it was observed. */
const kept = (place: Place): Promise<unknown[]> =>
  place.sql(async (sql) => {
    const rows = await sql`select * from outcomes order by prediction_id, user_id collate "C"`
    return rows.map((row) => [row['prediction_id'] ?? row['user_id'], row['revenue'], row['observed_at']])
  })

async function keepsOutcomes(t: Test, place: Place): Promise<void> {
  const log = await openIn(t, place)
  const early = recordOf({ time: ago(10), predictedRevenue: 1 })
  const late = recordOf({ time: ago(9), userId: 'player 2', predictedRevenue: 2 })
  const id = { predictionId: early.predictionId }
  const user = { userId: 'player 2' }
  const overall = async () => (await log.accuracy({ days: 28, by: null, now: NOW })).overall
  await appendAndShip(log, [early])

  await log.recordOutcomes([outcome(id, 1, ago(2)), outcome(user, 4, ago(1))])
  await log.recordOutcomes([outcome(id, 1, ago(2)), outcome(user, 4, ago(1))])
  t.match(await overall(), { matured: 1, mae: 0 })
  await log.recordOutcomes([outcome(id, 7, ago(1)), outcome(user, 9, ago(2))])
  t.match(await overall(), { matured: 1, mae: 6 }, 'the later observation counts')
  await appendAndShip(log, [late])
  t.match(
    await overall(),
    { matured: 2, mae: 4 },
    'an outcome waits for its prediction, and the earlier one was left',
  )

  const unknown = recordOf().predictionId
  await log.recordOutcomes([
    outcome({ userId: 'twice' }, 2, ago(2)),
    outcome({ userId: 'twice' }, 3, ago(1)),
    outcome({ userId: 'twice' }, 1, ago(3)),
    outcome({ userId: 'Twice' }, 8, ago(3)),
    outcome({ predictionId: unknown.toUpperCase() }, 5, ago(1)),
    outcome({ predictionId: unknown }, 6, ago(1.5)),
    outcome({ userId: unknown }, 0, ago(1)),
  ])
  await log.recordOutcomes([])
  await log.close(5000)
  t.same(
    await kept(place),
    [
      [unknown, 5, ago(1)],
      [early.predictionId, 7, ago(1)],
      [unknown, 0, ago(1)],
      ['Twice', 8, ago(3)],
      ['player 2', 4, ago(1)],
      ['twice', 3, ago(1)],
    ],
    'one for each prediction and one for each user, the one observed last',
  )
}

for (const [name, placeOf] of Object.entries(PLACES))
  t.test(`${name} keeps outcomes`, async (t) => keepsOutcomes(t, await placeOf(t)))

t.test('a PostgreSQL server', async (t) => {
  await t.test('ten thousand at once, twice at the same time', async (t) => {
    const place = await serverPlace(t)
    const log = await openIn(t, place)
    const outcomes = Array.from({ length: 10_000 }, (_, i) =>
      i % 2 === 0
        ? outcome({ predictionId: recordOf().predictionId }, i, ago(1))
        : outcome({ userId: `player '${i}"\\` }, i, ago(1)),
    )
    await Promise.all([
      log.recordOutcomes(outcomes),
      log.recordOutcomes(
        outcomes.toReversed().map((each) => ({ ...each, revenue: each.revenue + 1, observedAt: NOW })),
      ),
    ])
    await log.close(5000)
    const rows = (await kept(place)) as [string, number, Date][]
    t.equal(rows.length, 10_000)
    t.equal(
      rows.reduce((sum, [, revenue]) => sum + revenue, 0),
      (10_000 * 10_001) / 2,
      'of each the later one',
    )
  })

  await t.test('one that the database refuses is no outage, and none of its request is kept', async (t) => {
    const place = await serverPlace(t)
    const log = await openIn(t, place)
    await t.rejects(
      log.recordOutcomes([outcome({ userId: 'a' }, 1, NOW), outcome({ userId: 'b' }, -1, NOW)]),
      {
        code: '23514',
      },
    )
    t.equal(log.status().lastError, null)
    await log.close(5000)
    t.same(await kept(place), [])
  })

  await t.test('without a database they are not taken', async (t) => {
    const log = openLog(t, { ...(await serverPlace(t)), database: NOWHERE })
    await t.rejects(log.recordOutcomes([outcome({ userId: 'a' }, 1, NOW)]), LogUnavailableError)
  })
})
