/**
 * What is seen of a request: its id, its place in the metrics, its line in the log, and what never gets there.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { mock } from 'node:test'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { loadBundle } from '../../src/bundle/index.ts'
import { type AppContext, REDACTED } from '../../src/http/index.ts'
import type { RequestLogOptions } from '../../src/http/plugins/request-log.ts'
import { RequestFigures } from '../../src/monitor/requests.ts'
import { LogFullError } from '../../src/prediction-log/index.ts'
import { EXAMPLE } from '../example.ts'
import { until } from '../until.ts'
import { appWith, heldUp, logWith, metricsOf, rolloutOf } from './app.ts'

const rollout = rolloutOf(await loadBundle('artifacts/champion'))
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const PREDICT = { method: 'POST', url: '/predict', payload: EXAMPLE } as const

interface Line {
  readonly level: number
  readonly msg: string
  readonly [field: string]: unknown
}

async function observed(
  t: Test,
  requestLog: RequestLogOptions = { mode: 'sampled', perSecond: 50 },
  context: Partial<AppContext> = {},
  level = 'info',
) {
  const lines: Line[] = []
  const logger = pino(
    { level, base: null, timestamp: false, redact: { paths: [...REDACTED], censor: '[redacted]' } },
    { write: (line: string) => void lines.push(JSON.parse(line)) },
  )
  const requests = new RequestFigures()
  const { app } = await appWith({ rollout, metrics: metricsOf({ requests }), ...context }, undefined, {
    logger,
    requestLog,
  })
  t.teardown(() => app.close())
  /** How many requests there were by method, route and status. */
  const counted = () =>
    requests
      .metrics()[0]!
      .samples()
      .filter(({ metricName }) => metricName?.endsWith('_count'))
      .map(({ labels, value }) => `${Object.values(labels!).join(' ')}: ${value}`)
  const errors = () =>
    requests
      .metrics()[2]!
      .samples()
      .map(({ labels, value }) => `${Object.values(labels!).join(' ')}: ${value}`)
  const inFlight = () => requests.metrics()[1]!.samples()[0]!.value
  return { app, lines, requests, counted, errors, inFlight }
}

t.test('ids: the caller’s, his trace’s, or one of ours', async (t) => {
  const { app } = await observed(t)
  const idFor = async (headers: Record<string, string>) =>
    (await app.inject({ url: '/health/live', headers })).headers['x-request-id'] as string
  const traceparent = `00-${TRACE_ID}-b7ad6b7169203331-01`
  t.equal(await idFor({ 'x-request-id': 'order 7'.replace(' ', '-') }), 'order-7')
  t.equal(await idFor({ traceparent }), TRACE_ID)
  t.equal(await idFor({ 'x-request-id': 'mine', traceparent }), 'mine')
  const made = [await idFor({}), await idFor({})]
  t.match(made[0], /^[\da-f]{8}-1?[\da-z]$/)
  t.not(made[0], made[1])
  for (const bad of ['a b', 'a"b', '{}', 'x'.repeat(129), 'ä', '<script>'])
    t.match(await idFor({ 'x-request-id': bad }), /^[\da-f]{8}-/, `not ${bad}`)
  for (const bad of [
    `ff-${TRACE_ID}-b7ad6b7169203331-01`,
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-${TRACE_ID}-${'0'.repeat(16)}-01`,
    `00-${TRACE_ID.toUpperCase()}-b7ad6b7169203331-01`,
    TRACE_ID,
  ])
    t.match(await idFor({ traceparent: bad }), /^[\da-f]{8}-/, `not ${bad}`)
  t.equal(
    (await app.inject({ url: '/nowhere', headers: { 'x-request-id': 'lost' } })).headers['x-request-id'],
    'lost',
  )
})

t.test('requests are counted by the route’s template, method and status', async (t) => {
  const { app, counted, errors, inFlight } = await observed(t)
  await app.inject(PREDICT)
  await app.inject(PREDICT)
  await app.inject({ ...PREDICT, payload: {} })
  await app.inject({ method: 'DELETE', url: '/users/secret%20person' })
  for (let i = 0; i < 20; i++) await app.inject(`/scan/${i}?password=${i}`)
  await app.inject({ method: 'PURGE' as 'GET', url: '/x' })
  await app.inject({ method: 'HEAD', url: '/health/live' })
  t.same(counted(), [
    'POST /predict 200: 2',
    'POST /predict 400: 1',
    'DELETE /users/:user_id 503: 1',
    'GET unmatched 404: 20',
    'other unmatched 404: 1',
    'HEAD /health/live 200: 1',
  ])
  t.same(errors(), ['400 FST_ERR_VALIDATION: 1', '503 PREDICTION_LOG_OFF: 1', '404 NOT_FOUND: 21'])
  t.equal(inFlight(), 0)
})

t.test('codes are bounded, whoever makes them', (t) => {
  const figures = new RequestFigures()
  for (let i = 0; i < 1000; i++) figures.error(400, `CODE_${i}`)
  figures.error(400, 'CODE_7')
  const samples = figures.metrics()[2]!.samples()
  t.equal(samples.length, 201)
  t.match(samples[7], { labels: { code: 'CODE_7' }, value: 2 })
  t.match(samples.at(-1), { labels: { code: 'other' }, value: 800 })
  t.end()
})

t.test('a request is in flight until it is answered', async (t) => {
  const { called, hold, release } = heldUp()
  const { app, inFlight, counted } = await observed(t, undefined, {
    predictionLog: logWith({ append: () => hold() }),
  })
  const answer = app.inject(PREDICT)
  await called
  t.equal(inFlight(), 1)
  t.same(counted(), [])
  release()
  await answer
  t.equal(inFlight(), 0)
  t.same(counted(), ['POST /predict 200: 1'])
})

t.test('a connection that cannot be taken is logged', async (t) => {
  const { app, lines } = await observed(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  // As Node does where accept fails.
  app.server.emit('error', Object.assign(new Error('accept ENFILE'), { code: 'ENFILE' }))
  t.match(
    lines.find(({ msg }) => msg === 'a connection cannot be taken'),
    { level: 50, err: { code: 'ENFILE' } },
  )
})

t.test('a caller who leaves is counted once, as 499', async (t) => {
  const { called, hold, release } = heldUp()
  const { app, inFlight, counted, errors, lines } = await observed(t, undefined, {
    predictionLog: logWith({ append: () => hold() }),
  })
  const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const body = JSON.stringify(EXAMPLE)
  const socket = connect(Number(url.port), url.hostname)
  socket.write(
    `POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  await called
  t.equal(inFlight(), 1)
  // One that only closes its side may still wait for the answer.
  socket.resetAndDestroy()
  await once(socket, 'close')
  await until('the caller is missed', () => inFlight() === 0)
  release()
  await app.inject('/health/live') // by then the prediction has gone on
  t.equal(inFlight(), 0)
  t.same(counted(), ['POST /predict 499: 1', 'GET /health/live 200: 1'])
  t.same(errors(), ['499 CALLER_LEFT: 1'])
  t.match(
    lines.findLast(({ msg }) => msg === 'request'),
    { level: 40, status: 499, code: 'CALLER_LEFT', route: '/predict', msg: 'request' },
  )
})

t.test('one line for a request', async (t) => {
  const { app, lines } = await observed(t)
  lines.length = 0
  const headers = { 'x-request-id': 'r1', traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01` }
  const answer = await app.inject({ ...PREDICT, headers })
  const { prediction_id, model } = answer.json()
  t.match(lines, [
    {
      level: 30,
      msg: 'request',
      reqId: 'r1',
      traceId: TRACE_ID,
      method: 'POST',
      route: '/predict',
      status: 200,
      durationMs: Number,
      predictions: 1,
      predictionId: prediction_id,
      model: model.version,
      variant: 'champion',
      bytesIn: JSON.stringify(EXAMPLE).length,
      bytesOut: answer.body.length,
    },
  ])
  t.equal(lines.length, 1)

  const users = [EXAMPLE, { ...EXAMPLE, event_1: 'no' }, EXAMPLE]
  const batch = await app.inject({ method: 'POST', url: '/batch_predict', payload: { users } })
  t.match(lines[1], { predictions: 2, predictionId: batch.json().predictions[0].prediction_id })
})

t.test('levels by status; what failed has its code', async (t) => {
  const { app, lines } = await observed(t, undefined, {
    predictionLog: logWith({
      append: async () => {
        throw new LogFullError('full')
      },
    }),
  })
  lines.length = 0
  await app.inject(PREDICT)
  await app.inject({ ...PREDICT, payload: {} })
  t.match(lines[0], { level: 50, status: 503, code: 'PREDICTION_LOG_FULL', route: '/predict' })
  t.equal(lines[0]!['predictionId'], undefined, 'nothing was predicted for the caller')
  t.match(lines[1], { level: 40, status: 400, code: 'FST_ERR_VALIDATION' })
})

t.test('the caller’s name, and no secret', async (t) => {
  const { app, lines } = await observed(t, undefined, {}, 'trace')
  app.addHook('onRequest', async (request) => {
    request.caller = { id: 'k1', name: 'bidding', scopes: new Set(['predict']) }
    request.log.warn({ headers: request.headers, req: { headers: request.headers } }, 'careless')
  })
  const secrets = {
    authorization: 'Bearer secret-1',
    'x-api-key': 'secret-2',
    cookie: 'session=secret-3',
    'proxy-authorization': 'secret-4',
  }
  await app.inject({ ...PREDICT, headers: secrets })
  await app.inject({ url: `/stats?window=secret-5`, headers: secrets })
  await app.inject({
    url: `/nowhere?token=secret-6`,
    headers: { ...secrets, 'x-request-id': 'bad secret-7' },
  })
  await app.inject({ method: 'DELETE', url: '/users/secret-8', headers: secrets })
  const written = JSON.stringify(lines.filter(({ msg }) => msg !== 'request failed'))
  t.notMatch(written, /secret-[1-4]/)
  t.notMatch(JSON.stringify(lines.filter(({ msg }) => msg === 'request')), /secret/)
  t.match(written, /\[redacted\]/)
  const requests = lines.filter(({ msg }) => msg === 'request')
  t.equal(requests.length, 4)
  for (const line of requests.toSpliced(2, 1)) t.equal(line['caller'], 'bidding')
  t.match(requests[2], { path: '/nowhere', status: 404 })
  t.equal(requests[2]!['route'], undefined)
})

t.test('nobody can write lines of his own', async (t) => {
  const written: string[] = []
  const logger = pino({ base: null }, { write: (line: string) => void written.push(line) })
  const { app } = await appWith({ rollout }, undefined, { logger, requestLog: { mode: 'all', perSecond: 1 } })
  await app.inject({ url: '/a%0A%7B%22level%22:60%7D\n{"level":60}' })
  t.ok(written.length >= 1)
  for (const line of written) {
    t.equal(line.indexOf('\n'), line.length - 1)
    t.not(JSON.parse(line).level, 60)
  }
  await app.close()
})

t.test('probes and scrapes are of less interest', async (t) => {
  for (const [level, expected] of [
    ['info', 0],
    ['debug', 3],
  ] as const) {
    const { app, lines } = await observed(t, undefined, {}, level)
    lines.length = 0
    for (const url of ['/health', '/health/live', '/metrics']) await app.inject(url)
    t.equal(lines.filter(({ msg }) => msg === 'request').length, expected)
  }
})

t.test('at high rates lines are few, of every kind, and it is said how many are missing', async (t) => {
  // The seconds pass when the test says so.
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const { app, lines } = await observed(t, { mode: 'sampled', perSecond: 5 })
  lines.length = 0
  const requests = (level: number) =>
    lines.filter((line) => line.msg === 'request' && line.level === level).length
  for (let i = 0; i < 1100; i++) await app.inject('/model/info')
  for (let i = 0; i < 30; i++) await app.inject(`/nowhere/${i}`)
  t.equal(requests(30), 5 + 1, 'one in a thousand beyond those of the second')
  t.equal(requests(40), 5)
  mock.timers.tick(1000)
  t.match(lines.at(-1), {
    msg: 'requests without a line of their own',
    answered: 1100 - 6,
    rejected: 30 - 5,
    failed: 0,
  })
  for (let i = 0; i < 6; i++) await app.inject('/model/info')
  t.equal(requests(30), 6 + 5, 'the next second has its own')
  await app.close()
  t.match(lines.at(-1), { answered: 1 }, 'what is missing at the end is said, too')
})

t.test('all, errors, off', async (t) => {
  for (const [mode, expected] of [
    ['all', 120],
    ['errors', 20],
    ['off', 0],
  ] as const) {
    const { app, lines } = await observed(t, { mode, perSecond: 50 })
    lines.length = 0
    for (let i = 0; i < 100; i++) await app.inject('/model/info')
    for (let i = 0; i < 20; i++) await app.inject('/nowhere')
    await app.close()
    t.equal(lines.length, expected, mode)
  }
})
