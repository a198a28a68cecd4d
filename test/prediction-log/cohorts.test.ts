/**
 * `/spend` and `/cohorts`: what was predicted of the installs of a day, what came, and what it cost.
 */
import t, { type Test } from 'tap'
import type { Outcome, PredictionLog } from '../../src/prediction-log/index.ts'
import { EXAMPLE } from '../example.ts'
import { AWAY, appWith, beAway, logWith, send } from '../http/app.ts'
import { appendAndShip, openLog, serverPlace } from './log.ts'
import { recordOf, type TestRecord } from './records.ts'

const NOW = new Date('2026-03-20T12:00:00.000Z')
const DAY_MS = 86_400_000
const daysAgo = (days: number): Date => new Date(NOW.getTime() - days * DAY_MS)
const dayOf = (days: number): string => daysAgo(days).toISOString().slice(0, 10)

async function appOn(t: Test, predictionLog: PredictionLog) {
  const { app } = await appWith({ predictionLog, now: () => NOW })
  t.teardown(() => app.close())
  return app
}

type App = Awaited<ReturnType<typeof appOn>>

const install = (userId: string, days: number, country: string, others: Partial<TestRecord> = {}) =>
  recordOf({ time: daysAgo(days), userId, install: { ...EXAMPLE, country }, predictedRevenue: 2, ...others })

const outcome = (record: TestRecord, revenue: number, afterDays = 7): Outcome => ({
  predictionId: null,
  userId: record.userId,
  revenue,
  observedAt: new Date(record.time.getTime() + afterDays * DAY_MS),
})

const cohortsOf = async (app: App, query: string) => {
  const { status, body } = await send(app, { url: `/cohorts?${query}` })
  if (status !== 200) throw new Error(JSON.stringify(body))
  return body as {
    cohorts: Record<string, unknown>[]
    total: Record<string, unknown>
    [name: string]: unknown
  }
}

const post = (app: App, payload: object) => send(app, { method: 'POST', url: '/spend', payload })

t.test('a log', async (t) => {
  const log = openLog(t, await serverPlace(t), { now: () => NOW })
  const app = await appOn(t, log)
  const records = [
    install('a', 10, 'es'),
    install('b', 10, 'ES', { predictedRevenue: 4 }),
    install('c', 10, 'fr'),
    install('d', 9, 'es'),
    install('a', 8, 'es', { predictedRevenue: 50 }),
    install('e', 1, 'es', { predictedRevenue: 8 }),
  ]
  await appendAndShip(log, records)
  await log.recordOutcomes([outcome(records[0]!, 1), outcome(records[1]!, 3, 2), outcome(records[2]!, 5)])
  t.same(
    (
      await post(app, {
        spend: [
          { date: dayOf(10), facets: { country: 'Es' }, amount: 99 },
          { date: dayOf(10), facets: { country: 'es' }, amount: 4 },
          { date: dayOf(10), facets: { country: 'es', source: 'Organic' }, amount: 2 },
          { date: dayOf(9), facets: { country: 'it' }, amount: 7 },
          { date: dayOf(9), amount: 100 },
        ],
      })
    ).body,
    { accepted: 5, errors: [] },
  )

  t.test('by day and country', async (t) => {
    const { cohorts, total, unattributed_spend } = await cohortsOf(app, 'by=country')
    t.same(
      cohorts.map(({ start, facets, installs, predicted_revenue, spend }) => [
        start,
        (facets as { country: string }).country,
        installs,
        predicted_revenue,
        spend,
      ]),
      [
        [dayOf(1), 'es', 1, 8, null],
        [dayOf(9), 'es', 1, 2, null],
        [dayOf(9), 'it', 0, 0, 7],
        [dayOf(10), 'es', 2, 6, 6],
        [dayOf(10), 'fr', 1, 2, null],
      ],
      'an install counts once, by its first prediction; a correction replaces',
    )
    t.same(cohorts[3], {
      ...{ start: dayOf(10), facets: { country: 'es' }, installs: 2, predicted_revenue: 6 },
      ...{ predicted_per_install: 3, reported: 2, actual_revenue: 4, matured: 1, matured_share: 0.5 },
      ...{
        bias_ratio: 2,
        spend: 6,
        cost_per_install: 3,
        predicted_roas: 1,
        actual_roas: 4 / 6,
        is_small: true,
      },
    })
    t.match(total, { installs: 5, predicted_revenue: 18, spend: 13, matured: 2, bias_ratio: 4 / 6 })
    t.equal(unattributed_spend, 100, 'it names no country')
  })

  t.test('by week, and all at once', async (t) => {
    const weeks = (await cohortsOf(app, 'bucket=week')).cohorts
    t.same(
      weeks.map(({ start, installs, spend }) => [start, installs, spend]),
      [
        ['2026-03-16', 1, null],
        ['2026-03-09', 4, 113],
      ],
      'from Monday on; without facets all spend is the cohort’s',
    )
    const [all] = (await cohortsOf(app, 'bucket=all')).cohorts
    t.match(all, { start: dayOf(27), installs: 5, spend: 113 })
  })

  t.test('some of them', async (t) => {
    const { cohorts } = await cohortsOf(app, 'bucket=all&by=source&filter=country:ES&filter=platform:ios')
    t.match(cohorts, [{ facets: { source: 'organic' }, installs: 4 }])
    const period = await cohortsOf(app, `from=${dayOf(9)}&to=${dayOf(9)}&bucket=all`)
    t.match(period.total, { installs: 1, spend: 107 })
    t.same((await cohortsOf(app, 'from=2020-01-01&to=2020-02-01')).cohorts, [], 'before the log begins')
    t.same((await cohortsOf(app, 'filter=country:nowhere')).cohorts, [])
  })

  t.test('as CSV', async (t) => {
    const { headers, body } = await app.inject({ url: '/cohorts?by=country&format=csv' })
    t.match(headers, { 'content-type': 'text/csv; charset=utf-8' })
    const [header, first] = body.split('\n')
    t.match(header, /^start,country,installs,predicted_revenue,/)
    t.match(first, new RegExp(`^${dayOf(1)},es,1,8,8,0,0,0,0,,,,,,true$`))
  })

  t.test('a user who is erased is in no cohort', async (t) => {
    await log.eraseUsers(['c'])
    t.match((await cohortsOf(app, 'bucket=all')).total, { installs: 4, actual_revenue: 4 })
  })
})

t.test('spend that is wrong', async (t) => {
  const kept: unknown[] = []
  const app = await appOn(t, logWith({ recordSpend: async (spend) => void kept.push(...spend) }))
  const right = { date: dayOf(3), amount: 1 }
  const wrong: [unknown, RegExp][] = [
    [{ ...right, amount: -1 }, /^amount: expected a number ≥ 0, got -1$/],
    [{ ...right, amount: '1' }, /^amount: expected number, got string "1"$/],
    [
      { ...right, date: '2026-02-30' },
      /^date: expected a day from 1970 on, such as 2026-01-31, got string "2026-02-30"$/,
    ],
    [{ ...right, date: dayOf(-2) }, /^date: expected a day that is not in the future/],
    [
      { ...right, facets: { campaign: 'x' } },
      /^facets: expected some of country, source, platform, got string "campaign"$/,
    ],
    [{ ...right, facets: { country: '' } }, /^facets/],
    [{ ...right, clicks: 3 }, /clicks/],
    [{ ...right, date: '0000-01-01' }, /^date: expected a day from 1970 on/],
    [null, /^spend: expected/],
    [7, /^spend: expected/],
    [{ amount: 1 }, /^date: expected, but it is missing$/],
  ]
  const { status, body } = await post(app, { spend: [...wrong.map(([item]) => item), right] })
  t.equal(status, 200)
  const { accepted, errors } = body as { accepted: number; errors: { index: number; error: string }[] }
  t.equal(accepted, 1)
  t.same(kept, [{ day: dayOf(3), facets: {}, amount: 1 }])
  for (const [index, [, message]] of wrong.entries()) {
    t.equal(errors[index]!.index, index)
    t.match(errors[index]!.error, message)
  }
  t.match(await post(app, { spend: [] }), { status: 400 })
  t.match(
    await post(app, { spend: [{ ...right, date: dayOf(-1) }] }),
    { body: { accepted: 1 } },
    'tomorrow, somewhere',
  )
})

t.test('questions that are wrong', async (t) => {
  const app = await appOn(t, logWith({ cohorts: async () => ({ cohorts: [], unattributedSpend: 0 }) }))
  for (const [query, message] of [
    ['from=2026-02-30', /^from: expected a day from 1970 on, such as 2026-01-31/],
    ['from=0000-01-01', /^from: expected a day from 1970 on/],
    ['from=2026-03-02&to=2026-03-01', /^to: expected a day from 2026-03-02 on, got string "2026-03-01"$/],
    ['by=campaign', /^facets: expected some of country, source, platform, got string "campaign"$/],
    ['by=', /^facets: expected some of/],
    ['filter=country', /^filter/],
    ['filter=campaign:x', /^facets: expected some of/],
    ['bucket=month', /^bucket: expected/],
    ['format=xlsx', /^format: expected/],
  ] as const)
    t.match(await send(app, { url: `/cohorts?${query}` }), { status: 400, body: { message } }, query)
})

t.test('while the database is away', async (t) => {
  const app = await appOn(t, logWith({ cohorts: beAway, recordSpend: beAway }))
  t.match(await send(app, { url: '/cohorts' }), AWAY)
  t.match(await post(app, { spend: [{ date: dayOf(1), amount: 1 }] }), AWAY)
})
