/**
 * The latest predictions: how many, of what revenue, and of whom; and what happened to models.
 */
import t from 'tap'
import { appendAndShip, openLog, PLACES, serverPlace, shipped } from './log.ts'
import { recordOf } from './records.ts'

const NOW = new Date('2026-03-10T12:34:56.789Z')
const now = (): Date => NOW
const FACETS = ['country', 'source', 'platform']
const ago = (ms: number): Date => new Date(NOW.getTime() - ms)

const { install } = recordOf({ time: NOW })
const of = (ageMs: number, predictedRevenue: number, part: Partial<typeof install> = {}) =>
  recordOf({ time: ago(ageMs), predictedRevenue, install: { ...install, ...part } })

t.test('distribution and segments', async (t) => {
  for (const placeOf of Object.values(PLACES)) {
    const log = openLog(t, await placeOf(t), { now })
    await shipped(log)
    t.match(await log.recent({ now: NOW, atMost: 100, facets: FACETS }), {
      from: null,
      predictions: 0,
      bins: [],
    })
    await appendAndShip(log, [
      of(1000, 0, { country: 'ES', source: null, platform: 'iOS' }),
      of(2000, 0.5, { country: 'es', source: 'Organic', platform: 'ios' }),
      of(3000, 1, { country: null, source: 'organic', platform: 'Android' }),
      of(4000, 11, { country: 'us', source: 'organic', platform: 'Android' }),
    ])
    const recent = await log.recent({ now: NOW, atMost: 100, facets: FACETS })
    t.same(recent.from, ago(4000))
    t.equal(recent.predictions, 4)
    t.equal(recent.meanRevenue, 3.125)
    t.equal(recent.zeros, 1)
    t.same(
      recent.bins.map(({ predictions }) => predictions),
      [1, 0, 1, 0, 0, 0, 1],
      'quarters of a power of ten, from the one of 0.5 to the one of 11, gaps included',
    )
    for (const { lower, upper } of recent.bins) t.ok(lower < upper)
    t.same(recent.facets, [
      {
        facet: 'country',
        segments: [
          { value: 'es', predictions: 2, meanRevenue: 0.25 },
          { value: 'unknown', predictions: 1, meanRevenue: 1 },
          { value: 'us', predictions: 1, meanRevenue: 11 },
        ],
      },
      {
        facet: 'source',
        segments: [
          { value: 'organic', predictions: 3, meanRevenue: 12.5 / 3 },
          { value: 'unknown', predictions: 1, meanRevenue: 0 },
        ],
      },
      {
        facet: 'platform',
        segments: [
          { value: 'android', predictions: 2, meanRevenue: 6 },
          { value: 'ios', predictions: 2, meanRevenue: 0.25 },
        ],
      },
    ])
    await log.close(1000)
  }
})

t.test('values that are not listed are one, weighed by how many they are', async (t) => {
  const log = openLog(t, await serverPlace(t), { now })
  const counts = [...Array.from({ length: 12 }, () => 2), 1, 1]
  await appendAndShip(
    log,
    counts.flatMap((count, at) =>
      Array.from({ length: count }, () => of(1000, at, { country: `c${String(at).padStart(2, '0')}` })),
    ),
  )
  const { facets } = await log.recent({ now: NOW, atMost: 100, facets: ['country', 'no facet'] })
  t.equal(facets[0]!.segments.length, 13)
  t.same(facets[0]!.segments[0], { value: 'c00', predictions: 2, meanRevenue: 0 })
  t.same(facets[0]!.segments[12], { value: null, predictions: 2, meanRevenue: 12.5 })
  t.same(facets[1], { facet: 'no facet', segments: [] }, 'no schema has it')
})

t.test('revenue that no sum of doubles holds', async (t) => {
  const log = openLog(t, await serverPlace(t), { now })
  await appendAndShip(log, [of(1, 1.5e308), of(2, 1.5e308)])
  const { meanRevenue, bins } = await log.recent({ now: NOW, atMost: 100, facets: FACETS })
  t.equal(meanRevenue, 1.5e308)
  t.match(bins, [{ lower: 1e9, predictions: 2 }])
})

t.test('only so many are looked at', async (t) => {
  const log = openLog(t, await serverPlace(t), { now })
  const minutes = (count: number, revenue: number) => (_: unknown, at: number) =>
    of(count * 60_000 + at * 10, revenue)
  await appendAndShip(log, [
    ...Array.from({ length: 50 }, minutes(1, 1)),
    ...Array.from({ length: 40 }, minutes(3, 2)),
    ...Array.from({ length: 60 }, minutes(5, 3)),
  ])
  const recent = async (atMost: number) => (await log.recent({ now: NOW, atMost, facets: [] })).predictions
  t.equal(await recent(1000), 150)
  t.equal(await recent(149), 90, 'whole minutes')
  t.equal(await recent(90), 90)
  t.equal(await recent(60), 50)
  const part = await recent(20)
  t.ok(part > 0 && part <= 40, `a part of a minute that has more: ${part}`)
})

t.test('what happened to models, latest first', async (t) => {
  const log = openLog(t, await serverPlace(t), { now })
  const event = { event: 'serving' as const, variant: 'champion', modelName: 'm', host: 'here', detail: null }
  const id = (n: number) => `00000000-0000-7000-8000-00000000000${n}`
  log.recordModelEvent({ ...event, eventId: id(1), time: ago(2000), modelVersion: '1' })
  log.recordModelEvent({ ...event, eventId: id(2), time: ago(1000), modelVersion: '2' })
  await appendAndShip(log, [of(0, 1)])
  let events = await log.modelEvents(5)
  while (events.length < 2) events = await log.modelEvents(5)
  t.same(
    events.map(({ modelVersion }) => modelVersion),
    ['2', '1'],
  )
  t.equal((await log.modelEvents(1)).length, 1)
  t.same(events[0], { ...event, time: ago(1000), modelVersion: '2' })
})
