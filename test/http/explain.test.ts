/**
 * `?explain=true`: what `/predict` and `/batch_predict` answer with it, how much may be asked for, and that nothing else changes.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { ExplanationError, loadBundle } from '../../src/bundle/index.ts'
import { EXAMPLE, EXAMPLE_ROW, rowOf } from '../example.ts'
import { appWith, bundleLike, rolloutOf, send } from './app.ts'

const bundle = await loadBundle('artifacts/champion')
const { app, logged } = await appWith()
t.teardown(() => app.close())
t.beforeEach(() => void logged.splice(0))

const post = (url: string, payload: unknown) => send(app, { method: 'POST', url, payload: payload as object })

t.test('one install', async (t) => {
  const { status, body } = await post('/predict?explain=true', { ...EXAMPLE, user_id: 'a' })
  t.equal(status, 200)
  t.same(body.explanation, bundle.explain(EXAMPLE_ROW))
  t.equal(body.explanation.contributions.length, 9)
  t.equal(Number(Math.exp(body.explanation.raw_score).toFixed(6)), body.predicted_revenue)
  t.notOk('explanation' in logged[0]!, 'it is not logged')
  const plain = await post('/predict?explain=false', EXAMPLE)
  t.same(
    Object.keys(plain.body),
    Object.keys(body).filter((key) => key !== 'explanation'),
  )
  t.equal(plain.body.predicted_revenue, body.predicted_revenue)
})

t.test('the time of the explanation is not that of the prediction', async (t) => {
  // The explanation takes longer than all that was before it, whatever the machine does.
  let [askedMs, beforeMs] = [0, 0]
  const slow = Object.assign(bundleLike(bundle, 'slow'), {
    explain(row: typeof EXAMPLE_ROW) {
      const startMs = performance.now()
      beforeMs = startMs - askedMs
      while (performance.now() - startMs <= beforeMs);
      return bundle.explain(row)
    },
  })
  const { app, logged } = await appWith({ rollout: rolloutOf(slow) })
  askedMs = performance.now()
  const { body } = await send(app, { method: 'POST', url: '/predict?explain=true', payload: EXAMPLE })
  t.ok(body.inference_time_ms <= beforeMs, `${body.inference_time_ms} ms of ${beforeMs} ms`)
  t.equal(logged[0]!.inferenceTimeUs, body.inference_time_ms * 1000)
  await app.close()
})

t.test('a batch', async (t) => {
  const users = [EXAMPLE, { ...EXAMPLE, event_1: -1 }, { ...EXAMPLE, country: null }]
  const { status, body } = await post('/batch_predict?explain=true', { users })
  t.equal(status, 200)
  t.same(body.predictions[0].explanation, bundle.explain(EXAMPLE_ROW))
  t.same(body.predictions[1], { input: users[1], error: 'event_1: expected a number ≥ 0, got -1' })
  t.same(body.predictions[2].explanation, bundle.explain(rowOf({ ...EXAMPLE, country: null })))
  t.equal(logged.length, 2)
  const plain = await post('/batch_predict', { users })
  t.notOk('explanation' in plain.body.predictions[0])
})

t.test('too many to be explained at a time', async (t) => {
  const users = [EXAMPLE, EXAMPLE, EXAMPLE, EXAMPLE]
  t.same(await post('/batch_predict?explain=true', { users }), {
    status: 400,
    body: {
      statusCode: 400,
      code: 'EXPLAIN_TOO_MANY_USERS',
      error: 'Bad Request',
      message: 'users: expected at most 3 to be explained at a time, got 4',
    },
  })
  t.same(logged, [])
  t.equal((await post('/batch_predict?explain=false', { users })).status, 200)
})

t.test('what is not understood is refused', async (t) => {
  for (const url of ['/predict', '/batch_predict'] as const) {
    const payload = url === '/predict' ? EXAMPLE : { users: [EXAMPLE] }
    for (const [query, message] of [
      ['explain=yes', 'explain: expected one of true, false, got string "yes"'],
      ['explain=', 'explain: expected one of true, false, got string ""'],
      ['explain=true&explain=true', /^explain: expected (string|one of true, false), got array/],
      ['explian=true', 'explian: unknown field; expected only explain'],
    ] as const)
      t.match(await post(`${url}?${query}`, payload), { status: 400, body: { message } }, query)
  }
  t.same(logged, [])
})

t.test('a model that cannot be explained', async (t) => {
  const mute = Object.assign(bundleLike(bundle, 'mute'), {
    explain() {
      throw new ExplanationError('there is no explanation: model.json, tree 0: a reason')
    },
  })
  const { app, logged } = await appWith({ rollout: rolloutOf(mute) })
  const explained = (url: string, payload: object) =>
    send(app, { method: 'POST', url: `${url}?explain=true`, payload })
  t.same(await explained('/predict', EXAMPLE), {
    status: 503,
    body: {
      statusCode: 503,
      code: 'EXPLANATION_UNAVAILABLE',
      error: 'Service Unavailable',
      message: 'there is no explanation: model.json, tree 0: a reason',
    },
  })
  const { body } = await explained('/batch_predict', { users: [EXAMPLE, null] })
  t.same(body.predictions, [
    { input: EXAMPLE, error: 'there is no explanation: model.json, tree 0: a reason' },
    { input: null, error: 'user: expected object, got null' },
  ])
  t.same(logged, [], 'what is not answered is not logged')
  t.equal((await send(app, { method: 'POST', url: '/predict', payload: EXAMPLE })).status, 200)
  await app.close()
})

t.test('others are answered while a batch is explained', async (t) => {
  const order: string[] = []
  const slow = Object.assign(bundleLike(bundle, 'slow'), {
    explain(row: typeof EXAMPLE_ROW) {
      order.push('explained')
      return bundle.explain(row)
    },
  })
  const { app } = await appWith({ rollout: rolloutOf(slow), explainMaxUsers: 100, batchMaxUsers: 100 })
  // Far more than the turns that another request takes.
  const users = Array.from({ length: 100 }, () => EXAMPLE)
  const batch = app.inject({ method: 'POST', url: '/batch_predict?explain=true', payload: { users } })
  for (let turn = 0; turn < 10_000 && order.length === 0; turn++) await nextTurn()
  await app.inject('/health/live')
  t.ok(order.length < users.length, `after ${order.length} of them`)
  t.equal((await batch).statusCode, 200)
  await app.close()
})
