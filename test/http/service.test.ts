/**
 * Health, the model in service, statistics, documentation, and what happens off the map.
 */
import t from 'tap'
import type { Statistics } from '../../src/prediction-log/index.ts'
import { AWAY, appWith, beAway, logIn, logWith, NOW, send, modelsIn } from './app.ts'

const SPOOL = {
  bytes: 0,
  segments: 0,
  oldestMs: null,
  error: null,
  stranded: { segments: 0, bytes: 0, error: null },
}

t.test('health while all is well', async (t) => {
  const { app } = await appWith({
    predictionLog: logIn({
      state: 'shipping',
      spool: { ...SPOOL, bytes: 812, segments: 1, oldestMs: NOW.getTime() - 1_500 },
    }),
  })
  const prediction_log = {
    state: 'shipping',
    spool_bytes: 812,
    oldest_record_age_s: 1.5,
    dropped: 0,
    quarantined: 0,
    clock_offset_s: null,
    stranded_segments: 0,
    stranded_reason: null,
    last_error: null,
  }
  const { status, body } = await send(app, '/health')
  t.equal(status, 200)
  t.match(body, { status: 'ok', model: { name: 'day7-revenue' } })
  t.same(body.prediction_log, prediction_log)
  t.same(await send(app, '/health/live'), { status: 200, body: { status: 'ok' } })
  t.same(await send(app, '/health/ready'), {
    status: 200,
    body: { status: 'ok', checks: { model: 'ok', prediction_log } },
  })
  await app.close()
})

t.test('a model that should serve and does not', async (t) => {
  const models = modelsIn({
    state: 'refused',
    wanted: 'models:/m/2',
    reason: 'model.json: a hash',
    refusals: 1,
  })
  const { app } = await appWith({ models, predictionLog: logIn({ state: 'shipping' }) })
  const { body } = await send(app, '/health')
  t.equal(body.status, 'degraded')
  t.same(body.rollout, {
    champion: { state: 'refused', wanted: 'models:/m/2', reason: 'model.json: a hash', refusals: 1 },
    challenger: null,
    traffic: {
      champion: 100,
      challenger: 0,
      shadow: null,
      salt: 'day7',
      origin: 'settings',
      since: null,
    },
  })
  t.match(
    await send(app, '/health/ready'),
    { status: 200, body: { status: 'degraded' } },
    'the old one serves',
  )
  await app.close()
})

t.test('a service that is still opening its database is not ready', async (t) => {
  const { app } = await appWith({ predictionLog: logIn({ state: 'connecting' }) })
  t.match(await send(app, '/health/ready'), { status: 503, body: { code: 'STARTING' } })
  t.match(await send(app, '/health/live'), { status: 200 })
  t.match((await send(app, '/health')).body, { status: 'degraded' })
  await app.close()
})

t.test('a log without its database is degraded, and still ready', async (t) => {
  const { app } = await appWith({
    predictionLog: logIn({ state: 'backing-off', dropped: 3, quarantined: 1, lastError: 'ECONNREFUSED' }),
  })
  t.match(await send(app, '/health/ready'), {
    status: 200,
    body: {
      status: 'degraded',
      checks: {
        prediction_log: { state: 'backing-off', dropped: 3, quarantined: 1, last_error: 'ECONNREFUSED' },
      },
    },
  })
  t.equal((await send(app, '/health')).body.status, 'degraded')
  await app.close()
})

t.test('a log that cannot write its spool is degraded, and still ready', async (t) => {
  const { app } = await appWith({
    predictionLog: logIn({ state: 'shipping', spool: { ...SPOOL, error: 'ENOSPC' } }),
  })
  t.match(await send(app, '/health/ready'), {
    status: 200,
    body: { status: 'degraded', checks: { prediction_log: { state: 'shipping', last_error: 'ENOSPC' } } },
  })
  await app.close()
})

t.test('what another process left and nobody can take over is told', async (t) => {
  const stranded = { segments: 2, bytes: 300, error: 'EACCES' }
  const { app } = await appWith({
    predictionLog: logIn({ state: 'shipping', spool: { ...SPOOL, stranded } }),
  })
  t.match(await send(app, '/health/ready'), {
    status: 200,
    body: {
      status: 'degraded',
      checks: { prediction_log: { state: 'shipping', stranded_segments: 2, stranded_reason: 'EACCES' } },
    },
  })
  await app.close()
})

t.test('a service without a log is well', async (t) => {
  const { app } = await appWith({ predictionLog: logWith({}) })
  t.match(await send(app, '/health/ready'), {
    status: 200,
    body: { status: 'ok', checks: { prediction_log: { state: 'off' } } },
  })
  await app.close()
})

t.test('a service that is stopping', async (t) => {
  for (const state of ['draining', 'closed'] as const) {
    const { app } = await appWith({ predictionLog: logIn({ state }) })
    t.equal((await send(app, '/health')).body.status, 'degraded')
    await app.close()
  }
})

t.test('a record from a clock that was ahead is as old as now', async (t) => {
  const { app } = await appWith({
    predictionLog: logIn({ spool: { ...SPOOL, bytes: 1, segments: 1, oldestMs: NOW.getTime() + 60_000 } }),
  })
  t.equal((await send(app, '/health')).body.prediction_log.oldest_record_age_s, 0)
  await app.close()
})

t.test('the model in service', async (t) => {
  const { app } = await appWith()
  const { status, body } = await send(app, '/model/info')
  t.equal(status, 200)
  t.match(body, {
    name: 'day7-revenue',
    variant: 'champion',
    objective: 'tweedie',
    horizon_days: 7,
    training: { synthetic: true, rows: 20_000, flagged: [], flagged_dropped: false },
    golden_predictions: 400,
  })
  t.ok(body.trees > 0)
  t.ok(body.features.includes('country_target_mean'))
  t.type(body.metrics.holdout.normalisedGini, 'number')
  await app.close()
})

/** Of the champion. */
const FACETS = ['country', 'source', 'platform']

t.test('statistics', async (t) => {
  const TOTALS = {
    totalPredictions: 2,
    avgPredictedRevenue: 0.5,
    minPredictedRevenue: 0,
    maxPredictedRevenue: 1,
    avgInferenceTimeUs: 12,
    firstPrediction: new Date(0),
    lastPrediction: new Date(1000),
  }
  const WIRE = {
    total_predictions: 2,
    avg_predicted_revenue: 0.5,
    min_predicted_revenue: 0,
    max_predicted_revenue: 1,
    avg_inference_time_ms: 0.012,
    first_prediction: '1970-01-01T00:00:00.000Z',
    last_prediction: '1970-01-01T00:00:01.000Z',
  }
  const asked: unknown[] = []
  let statistics: Statistics
  const { app } = await appWith({
    predictionLog: logWith({
      statistics: async (query) => {
        asked.push(query)
        return statistics
      },
    }),
  })
  t.teardown(() => app.close())
  t.beforeEach(() => {
    asked.splice(0)
    statistics = {
      from: null,
      ...TOTALS,
      platforms: { ios: 2 },
      topCountries: [{ country: 'es', count: 2 }],
      facets: [{ facet: 'source', values: [{ value: 'organic', count: 2 }] }],
      buckets: null,
    }
  })

  t.test('of all predictions, if nothing else is asked', async (t) => {
    t.same(await send(app, '/stats'), {
      status: 200,
      body: {
        window: 'all',
        from: null,
        ...WIRE,
        platform_distribution: { ios: 2 },
        top_countries: [{ country: 'es', count: 2 }],
        facets: [{ facet: 'source', values: [{ value: 'organic', count: 2 }] }],
      },
    })
    t.same(asked, [{ window: 'all', bucket: null, facets: FACETS, now: NOW }])
  })

  t.test('of the time up to now, in one piece or in buckets', async (t) => {
    const combinations = [
      ['1h', null],
      ['1h', 'minute'],
      ['24h', null],
      ['24h', 'minute'],
      ['24h', 'hour'],
      ['7d', null],
      ['7d', 'hour'],
      ['7d', 'day'],
      ['all', null],
      ['all', 'day'],
    ] as const
    for (const [window, bucket] of combinations) {
      statistics = {
        ...statistics,
        from: new Date('2026-01-01T00:00:00Z'),
        buckets: bucket && [
          { start: new Date('2026-01-01T00:00:00Z'), ...TOTALS },
          { start: new Date('2026-01-02T00:00:00Z'), ...TOTALS },
        ],
      }
      const { status, body } = await send(
        app,
        `/stats?window=${window}${bucket === null ? '' : `&bucket=${bucket}`}`,
      )
      t.equal(status, 200)
      t.same([body.window, body.from], [window, '2026-01-01T00:00:00.000Z'])
      t.same(
        body.buckets,
        bucket === null
          ? undefined
          : [
              { start: '2026-01-01T00:00:00.000Z', ...WIRE },
              { start: '2026-01-02T00:00:00.000Z', ...WIRE },
            ],
      )
    }
    t.same(
      asked,
      combinations.map(([window, bucket]) => ({ window, bucket, facets: FACETS, now: NOW })),
    )
  })

  t.test('of nothing', async (t) => {
    statistics = {
      from: null,
      totalPredictions: 0,
      avgPredictedRevenue: null,
      minPredictedRevenue: null,
      maxPredictedRevenue: null,
      avgInferenceTimeUs: null,
      firstPrediction: null,
      lastPrediction: null,
      platforms: {},
      topCountries: [],
      facets: [],
      buckets: [],
    }
    t.same((await send(app, '/stats?bucket=day')).body, {
      window: 'all',
      from: null,
      total_predictions: 0,
      avg_predicted_revenue: null,
      min_predicted_revenue: null,
      max_predicted_revenue: null,
      avg_inference_time_ms: null,
      first_prediction: null,
      last_prediction: null,
      platform_distribution: {},
      top_countries: [],
      facets: [],
      buckets: [],
    })
  })

  t.test('of platforms and countries with odd names', async (t) => {
    const names = ['', ' ', 'a\nb', '"', '漢字', 'constructor', '__proto__']
    statistics = {
      ...statistics,
      platforms: Object.fromEntries(names.map((name) => [name, 1])),
      topCountries: names.map((country) => ({ country, count: 1 })),
    }
    const { body } = await send(app, '/stats')
    t.same(Object.keys(body.platform_distribution), names)
    t.same(body.top_countries, statistics.topCountries)
  })

  t.test('a wrong question is refused with what was expected', async (t) => {
    const windows = 'window: expected one of 1h, 24h, 7d, all'
    const wrong: [string, string][] = [
      ['window=2h', `${windows}, got string "2h"`],
      ['window=', `${windows}, got string ""`],
      ['window=constructor', `${windows}, got string "constructor"`],
      ['window=1h&window=7d', 'window: expected string, got array ["1h","7d"]'],
      ['bucket=week', 'bucket: expected one of minute, hour, day, got string "week"'],
      ['bucket=hour', 'bucket: expected day for the window all, got string "hour"'],
      ['window=1h&bucket=day', 'bucket: expected minute for the window 1h, got string "day"'],
      ['window=24h&bucket=day', 'bucket: expected hour or minute for the window 24h, got string "day"'],
      ['window=7d&bucket=minute', 'bucket: expected hour or day for the window 7d, got string "minute"'],
      ['from=2026-01-01', 'from: unknown field; expected only window, bucket'],
    ]
    for (const [query, message] of wrong) {
      const { status, body } = await send(app, `/stats?${query}`)
      t.equal(status, 400)
      t.match(body.code, /^(FST_ERR_VALIDATION|BUCKET_INVALID)$/)
      t.same(body, { statusCode: 400, code: body.code, error: 'Bad Request', message })
    }
    t.same(asked, [])
  })

  t.test('while the log is away', async (t) => {
    const { app } = await appWith({ predictionLog: logWith({ statistics: beAway }) })
    t.same(await send(app, '/stats'), AWAY)
    await app.close()
  })

  t.test('a fault of ours shows nothing', async (t) => {
    const { app } = await appWith({
      predictionLog: logWith({
        statistics: async () => {
          throw new Error('syntax error at or near "secret"')
        },
      }),
    })
    const { status, body } = await send(app, '/stats')
    t.equal(status, 500)
    t.notMatch(JSON.stringify(body), /secret/)
    await app.close()
  })
})

/** Every object in a JSON document. */
function* objectsIn(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield value as Record<string, unknown>
  for (const part of Object.values(value)) yield* objectsIn(part)
}

t.test('documentation', async (t) => {
  const { app } = await appWith()
  const page = await app.inject('/docs')
  t.equal(page.statusCode, 200)
  t.match(page.body, /swagger-ui/)
  const { body } = await send(app, '/docs/json')
  t.same(
    Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods as object).map((method) => `${method} ${path}`),
    ),
    [
      'post /predict',
      'post /batch_predict',
      'get /health',
      'get /health/live',
      'get /health/ready',
      'get /model/info',
      'get /model/history',
      'get /model/inputs',
      'get /model/drift',
      'get /stats',
      'get /stats/recent',
      'get /stats/live',
      'post /outcomes',
      'get /accuracy',
      'post /spend',
      'get /cohorts',
      'get /experiments',
      'get /training-data/days',
      'get /training-data',
      'delete /users/{user_id}',
      'post /users/erase',
      'get /admin/rollout',
      'put /admin/rollout',
      'delete /admin/rollout',
      'post /admin/retrainings',
      'get /metrics',
      'post /invocations',
      'get /ping',
      'get /version',
      'get /v2',
      'get /v2/health/live',
      'get /v2/health/ready',
      'get /v2/models/{name}',
      'get /v2/models/{name}/ready',
      'post /v2/models/{name}/infer',
      'get /v2/models/{name}/versions/{version}',
      'get /v2/models/{name}/versions/{version}/ready',
      'post /v2/models/{name}/versions/{version}/infer',
    ],
  )
  const references = [...objectsIn(body)].flatMap(({ $ref }) => (typeof $ref === 'string' ? [$ref] : []))
  for (const reference of new Set(references))
    t.ok(
      body.components.schemas[reference.replace('#/components/schemas/', '')],
      `${reference} is in the document`,
    )
  await app.close()
})

t.test('what a pattern or a format of a request means is said in words', async (t) => {
  const { app } = await appWith()
  const { paths, components } = (await send(app, '/docs/json')).body
  const { Install, Outcome } = components.schemas
  const requests = Object.values<Record<string, any>>(paths)
    .flatMap((methods) => Object.values(methods))
    .map(({ parameters, requestBody }) => [parameters, requestBody])
  const restricted = [...objectsIn([Install, Outcome, requests])].filter(
    ({ pattern, format }) => typeof pattern === 'string' || typeof format === 'string',
  )
  t.ok(restricted.length > 5)
  for (const schema of restricted) t.type(schema['x-expected'], 'string', JSON.stringify(schema))
  await app.close()
})

t.test('no such route', async (t) => {
  const { app } = await appWith()
  const { status, body } = await send(app, '/predictions?key=secret')
  t.equal(status, 404)
  t.equal(body.message, 'no such route: GET /predictions; /docs lists them')
  await app.close()
})

/** None of them is read. */
const BODIES = [
  ['no type', ''],
  ['application/json', '{bad'],
  ['text/csv', 'a,b'],
  ['application/json', ' '.repeat(200_000)],
] as const

t.test('a route with other methods', async (t) => {
  const { app } = await appWith()
  for (const [method, url, allow] of [
    ['GET', '/predict', 'POST'],
    ['GET', '/pr%65dict?key=secret', 'POST'],
    ['QUERY', '/predict', 'POST'],
    ['TRACE', '/admin/rollout', 'DELETE, GET, HEAD, PUT'],
    ['PATCH', '/users/player%201', 'DELETE'],
    ['GET', '/users/', 'DELETE'],
    ['DELETE', '/dashboard/main.js', 'GET, HEAD'],
    ['POST', '/docs/', 'GET, HEAD'],
  ] as const)
    for (const [type, payload] of BODIES) {
      const answer = await app.inject({
        method: method as 'GET',
        url,
        ...(payload && { payload, headers: { 'content-type': type } }),
      })
      const name = `${method} ${url} with a body of ${type}`
      t.match(answer, { statusCode: 405, headers: { allow } }, name)
      const { code, message } = answer.json()
      t.equal(code, 'METHOD_NOT_ALLOWED')
      t.equal(message, `${url.split('?')[0]}: expected ${allow}, got ${method}`)
    }
  await app.close()
})
