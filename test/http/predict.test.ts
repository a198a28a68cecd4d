/**
 * `/predict` and `/batch_predict`: what they answer, what they log, and how they say no.
 */
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { loadBundle } from '../../src/bundle/index.ts'
import { LogFullError, type PredictionRecord } from '../../src/prediction-log/index.ts'
import { EXAMPLE, EXAMPLE_ROW } from '../example.ts'
import type { AppContext } from '../../src/http/index.ts'
import { appWith, bundleLike, heldUp, logWith, NOW, rolloutOf, send } from './app.ts'

const bundle = await loadBundle('artifacts/champion')
const { app, logged } = await appWith()
t.teardown(() => app.close())
t.beforeEach(() => void logged.splice(0))

const post = (url: string, payload: unknown) => send(app, { method: 'POST', url, payload: payload as object })

t.test('a prediction is answered and logged', async (t) => {
  const { status, body } = await post('/predict', { ...EXAMPLE, user_id: 'player 1' })
  const { revenue, rawScore } = bundle.predict(EXAMPLE_ROW)
  t.equal(status, 200)
  t.equal(body.predicted_revenue, Number(revenue.toFixed(6)))
  t.equal(body.timestamp, NOW.toISOString())
  t.ok(body.inference_time_ms >= 0)
  const { name, version } = bundle.manifest
  t.same(body.model, { name, version, variant: 'champion' })
  t.equal(logged.length, 1)
  t.match(logged[0], {
    predictionId: body.prediction_id,
    time: NOW,
    userId: 'player 1',
    install: EXAMPLE,
    predictedRevenue: body.predicted_revenue,
    rawScore,
    inferenceTimeUs: body.inference_time_ms * 1000,
    modelName: name,
    modelVersion: version,
    variant: 'champion',
  })
})

t.test('nulls are legal where the contract says so', async (t) => {
  const nulls = {
    country: null,
    country_region: null,
    source: null,
    device_family: null,
    os_version: null,
  }
  const { status } = await post('/predict', { ...EXAMPLE, ...nulls, event_3: null, user_id: null })
  t.equal(status, 200)
  t.equal(logged[0]!.userId, null)
})

t.test('a wrong install is refused with the field, what was expected and what came', async (t) => {
  const { event_2: _, ...withoutEvent2 } = EXAMPLE
  const wrong: [unknown, string][] = [
    [withoutEvent2, 'event_2: expected, but it is missing'],
    [{ ...EXAMPLE, event_1: '100' }, 'event_1: expected number, got string "100"'],
    [{ ...EXAMPLE, event_1: null }, 'event_1: expected number, got null'],
    [{ ...EXAMPLE, event_1: true }, 'event_1: expected number, got boolean true'],
    [{ ...EXAMPLE, event_1: -1 }, 'event_1: expected a number ≥ 0, got -1'],
    [{ ...EXAMPLE, event_3: -0.5 }, 'event_3: expected a number ≥ 0, got -0.5'],
    [{ ...EXAMPLE, event_2: 1.1e300 }, 'event_2: expected a number ≤ 1e+300, got 1.1e+300'],
    [{ ...EXAMPLE, country: 34 }, 'country: expected string or null, got 34'],
    [{ ...EXAMPLE, country: ['es'] }, 'country: expected string or null, got array ["es"]'],
    [{ ...EXAMPLE, country: 'x'.repeat(257) }, 'country: expected at most 256 characters, got 257'],
    [{ ...EXAMPLE, country: '😀'.repeat(257) }, 'country: expected at most 256 characters, got 257'],
    [{ ...EXAMPLE, user_id: 7 }, 'user_id: expected string or null, got 7'],
    [
      { ...EXAMPLE, source: 'a\u0000b' },
      String.raw`source: expected text without NUL and without half a surrogate pair, got string "a\u0000b"`,
    ],
    [
      { ...EXAMPLE, source: '\uD800' },
      String.raw`source: expected text without NUL and without half a surrogate pair, got string "\ud800"`,
    ],
    [[EXAMPLE], `body: expected object, got array ${JSON.stringify([EXAMPLE]).slice(0, 57)}…`],
  ]
  for (const [payload, message] of wrong) {
    const { status, body } = await post('/predict', payload)
    t.equal(status, 400)
    t.same(body, { statusCode: 400, code: 'FST_ERR_VALIDATION', error: 'Bad Request', message })
  }
  const unknown = await post('/predict', { ...EXAMPLE, event_4: 1 })
  t.equal(unknown.status, 400)
  t.match(
    unknown.body.message,
    /^event_4: unknown field; expected only country, country_region, .*, user_id$/,
  )
  t.same(logged, [])
})

t.test('a body that cannot be read', async (t) => {
  const send = async (payload: string, contentType = 'application/json', url = '/predict') => {
    const response = await app.inject({
      method: 'POST',
      url,
      payload,
      headers: { 'content-type': contentType },
    })
    return [response.statusCode, response.json().message]
  }
  const infinite = JSON.stringify(EXAMPLE).replace('"event_1":100', '"event_1":1e999')
  t.same(await send(infinite), [400, 'event_1: expected number, got Infinity'])
  t.match(await send('{"country": '), [400, /^body: expected JSON: /])
  t.match(await send(''), [400, 'body: expected JSON, got nothing'])
  t.match(await send(JSON.stringify(EXAMPLE).replace('{', '{"__proto__": {}, ')), [
    400,
    /^__proto__: unknown field/,
  ])
  t.match(await send(JSON.stringify(EXAMPLE).replace('{', '{"constructor": {"prototype": 1}, ')), [
    400,
    /^constructor: unknown field/,
  ])
  t.same(await send('['.repeat(20_000) + ']'.repeat(20_000)), [
    400,
    'body: expected object, got array nested too deeply to be shown',
  ])
  const latin1 = await app.inject({
    method: 'POST',
    url: '/predict',
    payload: Buffer.from(JSON.stringify({ ...EXAMPLE, country_region: 'Málaga' }), 'latin1'),
    headers: { 'content-type': 'application/json' },
  })
  t.match(latin1.json(), { statusCode: 400, message: 'body: expected UTF-8, got other bytes' })
  const zipped = await app.inject({
    method: 'POST',
    url: '/predict',
    payload: gzipSync(JSON.stringify(EXAMPLE)),
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
  })
  t.match(zipped.json(), { statusCode: 415, message: 'content-encoding: expected none, got gzip' })
  t.same(await send('country=es', 'application/x-www-form-urlencoded'), [
    415,
    'content-type: expected application/json, got application/x-www-form-urlencoded',
  ])
  t.match(await send('es', 'text/plain'), [415, /expected application\/json, got text\/plain$/])
  t.match(await send(`{"country": "${'x'.repeat(100_000)}"}`), [413, 'body: expected at most 100000 bytes'])
  t.same(logged, [])
})

t.test('a batch: a bad row has its own error, and the others are answered', async (t) => {
  const users = [
    EXAMPLE,
    { ...EXAMPLE, event_1: -1 },
    'no install',
    { ...EXAMPLE, country: 'fr', user_id: 'b' },
  ]
  const { status, body } = await post('/batch_predict', { users })
  t.equal(status, 200)
  t.equal(body.total_users, 4)
  t.equal(body.timestamp, NOW.toISOString())
  t.ok(body.inference_time_ms > 0)
  t.match(body.model, { name: bundle.manifest.name, variant: 'champion' })
  t.same(
    body.predictions.map((each: { input: unknown }) => each.input),
    users,
    'inputs come back as they were sent',
  )
  t.same(Object.keys(body.predictions[0]), ['input', 'predicted_revenue', 'prediction_id'])
  t.same(body.predictions[1], { input: users[1], error: 'event_1: expected a number ≥ 0, got -1' })
  t.same(body.predictions[2], {
    input: 'no install',
    error: 'user: expected object, got string "no install"',
  })
  const alone = await post('/predict', users[3])
  t.equal(body.predictions[3].predicted_revenue, alone.body.predicted_revenue)
  t.same(
    logged.slice(0, 2).map((record) => [record.predictionId, record.install.country, record.userId]),
    [
      [body.predictions[0].prediction_id, 'es', null],
      [body.predictions[3].prediction_id, 'fr', 'b'],
    ],
  )
})

t.test('a batch with rows made to break it', async (t) => {
  const deep = '['.repeat(20_000) + ']'.repeat(20_000)
  const example = JSON.stringify(EXAMPLE)
  const rows = [example, example.replace('"es"', deep), example.replace('{', '{"__proto__": {}, '), example]
  const response = await app.inject({
    method: 'POST',
    url: '/batch_predict',
    payload: `{"users": [${rows.join()}]}`,
    headers: { 'content-type': 'application/json' },
  })
  t.equal(response.statusCode, 200)
  const { predictions } = response.json()
  t.ok(predictions[0].prediction_id)
  t.same(predictions[1], {
    input: null,
    error: 'country: expected string or null, got array nested too deeply to be shown',
  })
  t.match(predictions[2].error, /^__proto__: unknown field/)
  t.ok(predictions[3].prediction_id)
  t.equal(logged.length, 2)
})

t.test('a batch without a single prediction asks nothing of the log', async (t) => {
  const appended: unknown[] = []
  const { app } = await appWith({
    predictionLog: logWith({ append: async (records) => void appended.push(records) }),
  })
  const { status } = await send(app, { method: 'POST', url: '/batch_predict', payload: { users: [null] } })
  t.equal(status, 200)
  t.same(appended, [])
  await app.close()
})

t.test('answers leave when their predictions are safe in the log', async (t) => {
  for (const [url, payload] of [
    ['/predict', EXAMPLE],
    ['/batch_predict', { users: [EXAMPLE] }],
  ] as const) {
    const log = heldUp()
    const { app } = await appWith({ predictionLog: logWith({ append: log.hold }) })
    const order: string[] = []
    const answered = app.inject({ method: 'POST', url, payload }).then(() => order.push('answered'))
    await log.called
    await app.inject('/health/live')
    order.push('safe')
    log.release()
    await answered
    t.same(order, ['safe', 'answered'], url)
    await app.close()
  }
})

t.test('a batch goes to the log at once', async (t) => {
  const sizes: number[] = []
  const { app } = await appWith({
    predictionLog: logWith({ append: async (records) => void sizes.push(records.length) }),
  })
  const users = [EXAMPLE, null, EXAMPLE, EXAMPLE]
  await app.inject({ method: 'POST', url: '/batch_predict', payload: { users } })
  t.same(sizes, [3])
  await app.close()
})

t.test('a log that is full, and is to reject: no answer without a record', async (t) => {
  const { app } = await appWith({
    predictionLog: logWith({
      append: async () => {
        const cause = new Error("ENOSPC: no space left on device, open '/secret/spool'")
        throw new LogFullError('the prediction cannot be logged, so it is not answered: ENOSPC', { cause })
      },
    }),
  })
  for (const [url, payload] of [
    ['/predict', EXAMPLE],
    ['/batch_predict', { users: [EXAMPLE, null] }],
  ] as const)
    t.same(await send(app, { method: 'POST', url, payload }), {
      status: 503,
      retryAfter: '5',
      body: {
        statusCode: 503,
        code: 'PREDICTION_LOG_FULL',
        error: 'Service Unavailable',
        message: 'the prediction cannot be logged, so it is not answered: ENOSPC',
      },
    })
  await app.close()
})

t.test('a fault of the log that nobody foresaw shows nothing', async (t) => {
  const { app } = await appWith({
    predictionLog: logWith({
      append: async () => {
        throw new Error('secret')
      },
    }),
  })
  const { status, body } = await send(app, { method: 'POST', url: '/predict', payload: EXAMPLE })
  t.equal(status, 500)
  t.notMatch(JSON.stringify(body), /secret/)
  await app.close()
})

t.test('a wrong batch', async (t) => {
  const wrong: [unknown, string | RegExp][] = [
    [{}, 'users: expected, but it is missing'],
    [{ users: [] }, 'users: expected at least 1, got 0'],
    [{ users: EXAMPLE }, /^users: expected array, got object /],
    [{ users: Array.from({ length: 6 }, () => EXAMPLE) }, 'users: expected at most 5, got 6'],
    [{ users: [EXAMPLE], model: 'x' }, 'model: unknown field; expected only users'],
    [[EXAMPLE], /^body: expected object, got array/],
  ]
  for (const [payload, message] of wrong) {
    const { status, body } = await post('/batch_predict', payload)
    t.equal(status, 400)
    t.match(body.message, message)
  }
  t.same(logged, [])
})

t.test('a model that has no finite answer', async (t) => {
  const broken = bundleLike(bundle, 'x', () => {
    throw new RangeError('model x answered Infinity')
  })
  const { app, logged } = await appWith({ rollout: rolloutOf(broken) })
  const single = await app.inject({ method: 'POST', url: '/predict', payload: EXAMPLE })
  t.equal(single.statusCode, 500)
  t.same(single.json(), {
    statusCode: 500,
    code: 'INTERNAL',
    error: 'Internal Server Error',
    message: 'the request could not be answered; the log has the details',
  })
  const batch = await app.inject({ method: 'POST', url: '/batch_predict', payload: { users: [EXAMPLE] } })
  t.match(batch.json().predictions, [{ error: 'the model has no finite answer for this user' }])
  t.same(logged, [])
  await app.close()
})

t.test('champion and challenger', async (t) => {
  const challenger = bundleLike(bundle, 'new', () => ({ revenue: 7, rawScore: 1, interval: null }))
  const offered: unknown[] = []
  const missed: PredictionRecord[] = []
  const shadow: AppContext['shadow'] = {
    offer: (bundle, records) => void offered.push({ bundle, records }),
    miss: (_, record) => void missed.push(record),
  }
  const rollout = rolloutOf(bundle, challenger, { challengerShare: 0.5, shadow: true })
  const { app, logged } = await appWith({ rollout, shadow })
  const serving = rollout.current()!
  const variantOf = (key: string): string => serving.assign(key).variant
  const users = Array.from({ length: 40 }, (_, i) => `player ${i}`)
  const inArm = (variant: string): string => users.find((user) => variantOf(user) === variant)!

  await t.test('a user is answered by the model of his arm, time after time', async (t) => {
    for (const user of users) {
      const payload = { ...EXAMPLE, user_id: user }
      const { body } = await send(app, { method: 'POST', url: '/predict', payload })
      t.equal(body.model.variant, variantOf(user))
      t.equal(body.model.version, variantOf(user) === 'challenger' ? 'new' : bundle.manifest.version)
      t.equal(body.predicted_revenue === 7, variantOf(user) === 'challenger')
      t.match(logged.pop(), { userId: user, variant: body.model.variant, modelVersion: body.model.version })
    }
  })

  await t.test(
    'where the challenger has no answer, the champion’s is given, and the failure is kept',
    async (t) => {
      const failing = bundleLike(bundle, 'failing', () => {
        throw new RangeError('model m failing answered NaN, not a finite number')
      })
      rollout.place('challenger', failing, 'there')
      offered.length = 0
      const payload = { ...EXAMPLE, user_id: inArm('challenger') }
      const { status, body } = await send(app, { method: 'POST', url: '/predict', payload })
      t.match(
        { status, body },
        { status: 200, body: { model: { variant: 'champion', version: bundle.manifest.version } } },
      )
      const batch = await send(app, { method: 'POST', url: '/batch_predict', payload: { users: [payload] } })
      t.equal(batch.body.predictions[0].predicted_revenue, body.predicted_revenue)
      t.match(missed, [{ userId: payload.user_id, variant: 'champion' }, { userId: payload.user_id }])
      t.same(
        offered.flatMap((each) => (each as { records: unknown[] }).records),
        [],
        'it is not asked again',
      )
      rollout.place('challenger', challenger, 'there')
      logged.length = 0
      offered.length = 0
    },
  )

  await t.test('without a user the prediction’s own id decides', async (t) => {
    const { body } = await send(app, { method: 'POST', url: '/predict', payload: EXAMPLE })
    t.equal(body.model.variant, variantOf(body.prediction_id))
  })

  await t.test('in a batch each user has his own, and says so where it is not the champion', async (t) => {
    const both = [inArm('champion'), inArm('challenger')]
    const payload = { users: both.map((user) => ({ ...EXAMPLE, user_id: user })) }
    const { body } = await send(app, { method: 'POST', url: '/batch_predict', payload })
    t.match(body.model, { version: bundle.manifest.version, variant: 'champion' })
    t.notOk('model' in body.predictions[0])
    t.match(body.predictions[1], { predicted_revenue: 7, model: { version: 'new', variant: 'challenger' } })
  })

  await t.test('the shadow is offered what the champion answered, and only that', async (t) => {
    for (const url of ['/predict', '/batch_predict'] as const) {
      const [ours, theirs] = [inArm('champion'), inArm('challenger')].map((user) => ({
        ...EXAMPLE,
        user_id: user,
      }))
      offered.length = 0
      if (url === '/batch_predict')
        await send(app, { method: 'POST', url, payload: { users: [ours, theirs] } })
      else for (const payload of [ours, theirs]) await send(app, { method: 'POST', url, payload: payload! })
      t.match(offered, [
        { bundle: challenger, records: [{ record: { userId: ours!.user_id, variant: 'champion' } }] },
      ])
      t.equal(offered.length, 1)
    }
  })

  await t.test('a change in the middle of a batch waits for the next one', async (t) => {
    const { app } = await appWith({
      rollout,
      predictionLog: logWith({
        async append() {
          rollout.place('champion', bundleLike(bundle, 'newer'), 'elsewhere')
        },
      }),
    })
    const answered = async (): Promise<string> =>
      (await send(app, { method: 'POST', url: '/batch_predict', payload: { users: [EXAMPLE] } })).body.model
        .version
    t.equal(await answered(), bundle.manifest.version)
    t.equal(await answered(), 'newer')
    await app.close()
  })
  await app.close()
})

t.test('before there is a model', async (t) => {
  const { app } = await appWith({ rollout: { current: () => null } })
  for (const [method, url, payload] of [
    ['POST', '/predict', EXAMPLE],
    ['POST', '/batch_predict', { users: [EXAMPLE] }],
    ['GET', '/model/info', undefined],
    ['GET', '/health/ready', undefined],
  ] as const)
    t.match(await send(app, { method, url, ...(payload && { payload }) }), {
      status: 503,
      retryAfter: '5',
      body: { code: 'MODEL_UNAVAILABLE', message: 'there is no model to answer with yet' },
    })
  t.match(await send(app, '/health'), { status: 200, body: { status: 'degraded', model: null } })
  await app.close()
})
