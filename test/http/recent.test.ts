/**
 * `/stats/recent`, `/stats/live`, `/model/history`, `/model/inputs`, `/model/drift`, and the files of the dashboard.
 */
import t from 'tap'
import { withoutAccess } from '../../src/access/index.ts'
import { Followers } from '../../src/http/followers.ts'
import type { Drift } from '../../src/monitor/drift.ts'
import type { PredictionLog, Recent } from '../../src/prediction-log/index.ts'
import { EXAMPLE } from '../example.ts'
import { until } from '../until.ts'
import { appWith, AWAY, beAway, logWith, metricsOf, NOW, send } from './app.ts'

const segment = (value: string | null, predictions: number, meanRevenue: number) => ({
  value,
  predictions,
  meanRevenue,
})

const RECENT: Recent = {
  from: NOW,
  predictions: 30,
  meanRevenue: 1.25,
  zeros: 2,
  bins: [{ lower: 1, upper: 1.7782794100389228, predictions: 28 }],
  facets: [
    { facet: 'country', segments: [segment('es', 27, 1), segment(null, 3, 3.5)] },
    { facet: 'source', segments: [] },
  ],
}

t.test('recent predictions', async (t) => {
  let asked = 0
  let facetsAsked: readonly string[] = []
  const recent: PredictionLog['recent'] = async ({ facets }) => {
    asked++
    facetsAsked = facets
    return RECENT
  }
  const { app } = await appWith({ predictionLog: logWith({ recent }) })
  const { status, body } = await send(app, '/stats/recent')
  t.equal(status, 200)
  t.match(body, {
    from: NOW.toISOString(),
    predictions: 30,
    mean_predicted_revenue: 1.25,
    distribution: { zeros: 2, bins: RECENT.bins },
    facets: [
      {
        facet: 'country',
        segments: [
          { value: 'es', predictions: 27, mean_predicted_revenue: 1 },
          { value: '(others)', predictions: 3, mean_predicted_revenue: 3.5 },
        ],
      },
      { facet: 'source', segments: [] },
    ],
  })
  t.same(facetsAsked, ['country', 'source', 'platform'], 'those of the champion')
  await Promise.all([send(app, '/stats/recent'), send(app, '/stats/recent')])
  t.equal(asked, 1, 'those who ask at the same time share an answer')
})

t.test('a failure is not shared for long', async (t) => {
  let away = true
  const recent = async () => (away ? beAway() : RECENT)
  const { app } = await appWith({ predictionLog: logWith({ recent }) })
  t.same(await send(app, '/stats/recent'), AWAY)
  away = false
  t.equal((await send(app, '/stats/recent')).status, 200)
})

t.test('live', async (t) => {
  const { app } = await appWith()
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const response = await fetch(`${url}/stats/live`)
  t.match(response.headers.get('content-type'), 'text/event-stream')
  const events = eventsOf(response)
  const { value: first } = await events.next()
  t.match(first, { predictions: 0, predictions_per_s: 0, p50_ms: null, p99_ms: null, log: { state: 'off' } })
  const users = [EXAMPLE, EXAMPLE, { ...EXAMPLE, event_1: -1 }]
  for (const [path, body] of [
    ['/predict', EXAMPLE],
    ['/batch_predict', { users }],
  ] as const)
    await app.inject({ method: 'POST', url: path, payload: body })
  let tick = (await events.next()).value
  while (tick.predictions === 0) tick = (await events.next()).value
  t.equal(tick.predictions, 3, 'one, and two of a batch')
  t.ok(tick.predictions_per_s > 0)
  t.ok(tick.p50_ms > 0 && tick.p50_ms <= tick.p99_ms)

  t.equal((await send(app, { url: '/stats/live', headers: { accept: 'application/json' } })).status, 406)
  await app.close()
  t.equal((await events.next()).done, true, 'closing ends it')
})

t.test('one caller locks out nobody', async (t) => {
  const access = { ...withoutAccess(), isEnforced: () => true, callerOf: callerNamed }
  const { app } = await appWith({ access })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const follow = async (key: string) => {
    const leaving = new AbortController()
    const headers = { authorization: `Bearer ${key}` }
    const response = await fetch(`${url}/stats/live`, { headers, signal: leaving.signal })
    return { response, leave: () => leaving.abort() }
  }
  const own = [await follow('a'), await follow('a'), await follow('a')]
  for (const { response } of own) t.equal(response.status, 200)
  const { response: refused } = await follow('a')
  t.equal(refused.headers.get('retry-after'), '30')
  t.match(await refused.json(), { statusCode: 429, code: 'FOLLOWERS_OF_CALLER' })
  const { response: others } = await follow('b')
  t.equal(others.status, 200)
  own.pop()!.leave()
  await until('there is room for another', async () => (await follow('a')).response.status === 200)
})

t.test('followers', (t) => {
  const followers = new Followers(3, 2)
  const [end] = [followers.begin('a'), followers.begin('a')]
  t.throws(() => followers.begin('a'), { statusCode: 429, message: /at most 2 .* of one caller/ })
  followers.begin('b')
  t.throws(() => followers.begin('c'), { code: 'FOLLOWERS_FULL', message: /at most 3/ })
  end()
  end()
  followers.begin('c')
  t.throws(() => followers.begin('d'), { code: 'FOLLOWERS_FULL' }, 'one that ends twice makes room once')
  t.end()
})

const callerNamed = (key: string) => ({ id: key, name: key, scopes: new Set(['read'] as const) })

async function* eventsOf(response: Response): AsyncGenerator<any> {
  let text = ''
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    const events = (text + part).split('\n\n')
    text = events.pop()!
    for (const event of events) if (event.startsWith('data: ')) yield JSON.parse(event.slice(6))
  }
}

t.test('what happened to models', async (t) => {
  const limits: number[] = []
  const event = { variant: 'champion', modelName: 'm', modelVersion: '1', host: 'h', detail: null }
  const modelEvents = async (atMost: number) => {
    limits.push(atMost)
    return [{ ...event, time: NOW, event: 'serving' as const }]
  }
  const { app } = await appWith({ predictionLog: logWith({ modelEvents }) })
  t.same((await send(app, '/model/history')).body, {
    events: [
      {
        time: NOW.toISOString(),
        event: 'serving',
        variant: 'champion',
        model: 'm',
        version: '1',
        host: 'h',
        detail: null,
      },
    ],
  })
  await send(app, '/model/history?limit=100')
  t.same(limits, [20, 100])
  for (const limit of ['0', '101', '-1', '1.5', 'x', ''])
    t.match(await send(app, `/model/history?limit=${limit}`), {
      status: 400,
      body: { message: `limit: expected a whole number from 1 to 100, got string "${limit}"` },
    })
})

t.test('what the model knows of its inputs', async (t) => {
  const { app } = await appWith()
  const { body } = await send(app, '/model/inputs')
  t.equal(body.model.name, 'day7-revenue')
  const { inputs } = body
  t.same(
    inputs.map(({ field }: { field: string }) => field),
    Object.keys(EXAMPLE).filter((field) => field !== 'user_id'),
  )
  const [country, , , platform, , osVersion, event1, , event3] = inputs
  t.same(country.known.slice(0, 3), ['us', 'br', 'mx'], 'the most frequent first')
  t.same(platform.known, ['android', 'ios'])
  t.equal(osVersion.known, null)
  t.match(event1, { kind: 'number', nullable: false, known: null })
  t.equal(event3.nullable, true)
})

t.test('drift', async (t) => {
  const of = (drift: Drift) =>
    appWith({
      metrics: metricsOf({ predictions: { note() {}, driftOf: () => drift } }),
    })
  const moved = await of({
    count: 500,
    features: new Map([
      ['country', 0.01],
      ['event_1', 0.3],
    ]),
    predictions: 0.02,
    unknown: [
      { field: 'source', reason: 'marker', count: 5 },
      { field: 'country', reason: 'blanks', count: 400 },
    ],
  })
  const { body } = await send(moved.app, '/model/drift')
  t.match(body, {
    model: { name: 'day7-revenue' },
    window_seconds: 3600,
    predictions: 500,
    min_predictions: 200,
    prediction: 0.02,
  })
  t.same(
    body.features,
    [
      { feature: 'event_1', psi: 0.3 },
      { feature: 'country', psi: 0.01 },
    ],
    'the greatest first',
  )
  t.same(
    body.unknown_values,
    [
      { field: 'country', reason: 'blanks', count: 400, share: 0.8 },
      { field: 'source', reason: 'marker', count: 5, share: 0.01 },
    ],
    'the most frequent first',
  )
  const few = await of({ count: 3, features: new Map(), predictions: NaN, unknown: [] })
  t.match((await send(few.app, '/model/drift')).body, { predictions: 3, prediction: null, features: [] })
  t.match(await send(few.app, '/model/drift?variant=challenger'), {
    status: 404,
    body: { code: 'NO_SUCH_MODEL', message: 'there is no challenger in service' },
  })
})

t.test('the files of the dashboard, and no others', async (t) => {
  const { app } = await appWith()
  const get = async (url: string) => app.inject(url)
  t.match(await get('/dashboard'), { statusCode: 301, headers: { location: '/dashboard/' } })
  t.match((await get('/dashboard/')).headers, { 'content-type': /^text\/html/ })
  t.match((await get('/dashboard/main.js')).headers, { 'content-type': /javascript/ })
  t.equal((await get('/dashboard/charts/uPlot.min.css')).statusCode, 200)
  for (const path of ['charts/uPlot.d.ts', '../app.ts', '..%2fapp.ts', '%2e%2e/app.ts', 'nothing.js', '.env'])
    t.equal((await get(`/dashboard/${path}`)).statusCode, 404, path)
})
