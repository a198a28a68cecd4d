/**
 * Health, the model in service, statistics, documentation, and what happens off the map.
 */
import t from 'tap'
import {
  LogUnavailableError,
  type PredictionLogStatus,
  withoutPredictionLog,
} from '../../src/prediction-log/index.ts'
import { appWith } from './app.ts'

const get = async (app: Awaited<ReturnType<typeof appWith>>['app'], url: string) => {
  const response = await app.inject(url)
  return { status: response.statusCode, body: response.json() }
}

const logIn = (status: PredictionLogStatus) => ({ ...withoutPredictionLog(), status: () => status })

t.test('health while all is well', async (t) => {
  const { app } = await appWith({
    predictionLog: logIn({ state: 'writing', waiting: 2, dropped: 0, lastError: null }),
  })
  t.match((await get(app, '/health')).body, {
    status: 'ok',
    model: { name: 'day7-revenue' },
    prediction_log: { state: 'writing', waiting: 2, dropped: 0, last_error: null },
  })
  t.same(await get(app, '/health/live'), { status: 200, body: { status: 'ok' } })
  t.match(await get(app, '/health/ready'), { status: 200, body: { status: 'ok', checks: { model: 'ok' } } })
  await app.close()
})

t.test('a service that is still opening its database is not ready', async (t) => {
  const { app } = await appWith({
    predictionLog: logIn({ state: 'connecting', waiting: 0, dropped: 0, lastError: null }),
  })
  t.match(await get(app, '/health/ready'), { status: 503, body: { code: 'STARTING' } })
  t.match(await get(app, '/health/live'), { status: 200 })
  t.match((await get(app, '/health')).body, { status: 'degraded' })
  await app.close()
})

t.test('a log without its database is degraded, and still ready', async (t) => {
  const { app } = await appWith({
    predictionLog: logIn({ state: 'backing-off', waiting: 7, dropped: 3, lastError: 'ECONNREFUSED' }),
  })
  t.match(await get(app, '/health/ready'), {
    status: 200,
    body: {
      status: 'degraded',
      checks: { prediction_log: { state: 'backing-off', last_error: 'ECONNREFUSED' } },
    },
  })
  t.equal((await get(app, '/health')).body.status, 'degraded')
  await app.close()
})

t.test('the model in service', async (t) => {
  const { app } = await appWith()
  const { status, body } = await get(app, '/model/info')
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

t.test('statistics', async (t) => {
  const statistics = {
    totalPredictions: 2,
    avgPredictedRevenue: 0.5,
    minPredictedRevenue: 0,
    maxPredictedRevenue: 1,
    avgInferenceTimeUs: 12,
    firstPrediction: new Date(0),
    lastPrediction: new Date(1000),
    platforms: { ios: 2 },
    topCountries: [{ country: 'es', count: 2 }],
  }
  const answering = await appWith({
    predictionLog: { ...withoutPredictionLog(), statistics: async () => statistics },
  })
  t.same((await get(answering.app, '/stats')).body, {
    total_predictions: 2,
    avg_predicted_revenue: 0.5,
    min_predicted_revenue: 0,
    max_predicted_revenue: 1,
    avg_inference_time_ms: 0.012,
    first_prediction: '1970-01-01T00:00:00.000Z',
    last_prediction: '1970-01-01T00:00:01.000Z',
    platform_distribution: { ios: 2 },
    top_countries: [{ country: 'es', count: 2 }],
  })
  await answering.app.close()

  const away = await appWith({
    predictionLog: {
      ...withoutPredictionLog(),
      statistics: async () => {
        throw new LogUnavailableError('the prediction log cannot reach its database', {
          cause: new Error('password'),
        })
      },
    },
  })
  t.same(await get(away.app, '/stats'), {
    status: 503,
    body: {
      statusCode: 503,
      code: 'PREDICTION_LOG_UNAVAILABLE',
      error: 'Service Unavailable',
      message: 'the prediction log cannot reach its database',
    },
  })
  await away.app.close()

  const broken = await appWith({
    predictionLog: {
      ...withoutPredictionLog(),
      statistics: async () => {
        throw new Error('syntax error at or near "secret"')
      },
    },
  })
  const { status, body } = await get(broken.app, '/stats')
  t.equal(status, 500)
  t.notMatch(JSON.stringify(body), /secret/, 'a fault of ours shows nothing')
  await broken.app.close()
})

t.test('documentation', async (t) => {
  const { app } = await appWith()
  const page = await app.inject('/docs')
  t.equal(page.statusCode, 200)
  t.match(page.body, /swagger-ui/)
  const { body } = await get(app, '/docs/json')
  t.same(Object.keys(body.paths), [
    '/predict',
    '/batch_predict',
    '/health',
    '/health/live',
    '/health/ready',
    '/model/info',
    '/stats',
  ])
  await app.close()
})

t.test('no such route', async (t) => {
  const { app } = await appWith()
  const { status, body } = await get(app, '/predictions?key=secret')
  t.equal(status, 404)
  t.equal(body.message, 'no such route: GET /predictions; /docs lists them')
  t.equal((await app.inject('/predict')).statusCode, 404, 'GET where only POST is')
  await app.close()
})
