/**
 * The Idempotency-Key of `/predict` and `/batch_predict`: the first answer again, whoever is asked and whatever happened meanwhile.
 */
import t from 'tap'
import { loadBundle } from '../../src/bundle/index.ts'
import type { App } from '../../src/http/index.ts'
import { FirstAnswers, memoryStore } from '../../src/idempotency/index.ts'
import { LogFullError, type PredictionRecord } from '../../src/prediction-log/index.ts'
import { EXAMPLE } from '../example.ts'
import { appWith, bundleLike, heldUp, logWith, rolloutOf } from './app.ts'

interface Sent {
  readonly url?: string
  readonly body?: unknown
}

async function post(app: App, key: string | undefined, { url = '/predict', body = EXAMPLE }: Sent = {}) {
  const {
    statusCode,
    headers,
    body: text,
  } = await app.inject({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
    payload: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return {
    status: statusCode,
    text,
    json: JSON.parse(text),
    replayed: headers['idempotency-replayed'],
    type: headers['content-type'],
  }
}

const memory = () => new FirstAnswers(memoryStore({ ttlS: 60, maxBytes: 1_000_000 }), () => {})

t.test('the same key and the same request: the first answer, byte for byte', async (t) => {
  const { app, logged } = await appWith()
  const first = await post(app, 'a')
  const again = await post(app, 'a')
  t.match(first, { status: 200, replayed: undefined, type: 'application/json; charset=utf-8' })
  t.match(again, { status: 200, replayed: 'true', type: first.type, text: first.text })
  t.equal(logged.length, 2, 'whoever answers logs before')
  t.same(logged[1], logged[0], 'the same record, of which the log keeps one')
  t.ok(logged[1]!.time instanceof Date)
  const other = await post(app, 'b')
  t.not(other.json.prediction_id, first.json.prediction_id, 'another key, another prediction')
  const none = [await post(app, undefined), await post(app, undefined)]
  t.not(none[0]!.json.prediction_id, none[1]!.json.prediction_id)
  await app.close()
})

t.test('batches, with their bad rows', async (t) => {
  const { app, logged } = await appWith()
  const batch = {
    url: '/batch_predict',
    body: { users: [EXAMPLE, { country: 1 }, { ...EXAMPLE, user_id: 'p' }] },
  }
  const first = await post(app, 'a', batch)
  const again = await post(app, 'a', batch)
  t.match(first, { status: 200, replayed: undefined, json: { total_users: 3 } })
  t.match(first.json.predictions[1].error, /expected/)
  t.match(again, { status: 200, replayed: 'true', text: first.text })
  t.same(logged.slice(2), logged.slice(0, 2))
  const bad = { url: '/batch_predict', body: { users: [7] } }
  t.match(await post(app, 'bad', bad), { status: 200, replayed: undefined })
  t.match(await post(app, 'bad', bad), { status: 200, replayed: 'true' })
  t.equal(logged.length, 4)
  await app.close()
})

t.test('the same key and another request', async (t) => {
  const { app, logged } = await appWith()
  await post(app, 'a')
  const failure = { status: 422, json: { statusCode: 422, code: 'IDEMPOTENCY_KEY_REUSED' } }
  t.match(await post(app, 'a', { body: { ...EXAMPLE, event_1: 7 } }), failure)
  t.match(await post(app, 'a', { url: '/predict?explain=true' }), failure)
  t.match(await post(app, 'a', { url: '/batch_predict', body: { users: [EXAMPLE] } }), failure)
  t.match(
    (await post(app, 'a', { body: JSON.stringify(EXAMPLE, null, 1) })).json.message,
    /^idempotency-key: expected/,
  )
  t.equal(logged.length, 1)
  await app.close()
})

t.test('each caller has keys of his own', async (t) => {
  const { app } = await appWith()
  let name = 'ann'
  app.addHook('onRequest', async (request) => void (request.caller = { id: name, name, scopes: new Set() }))
  const ann = await post(app, 'a')
  name = 'bob'
  const bob = await post(app, 'a', { body: { ...EXAMPLE, event_1: 7 } })
  t.match(bob, { status: 200, replayed: undefined })
  name = 'ann'
  t.match(await post(app, 'a'), { replayed: 'true', text: ann.text })
  await app.close()
})

t.test('keys', async (t) => {
  const { app, logged } = await appWith()
  t.equal((await post(app, '!~"'.padEnd(255, 'x'))).status, 200)
  t.equal(logged.length, 1)
  for (const key of ['', 'two words', 'x'.repeat(256), 'schlüssel', 'a\tb'])
    t.match(
      await post(app, key),
      { status: 400, json: { message: /^idempotency-key: expected/ } },
      JSON.stringify(key),
    )
  t.equal(logged.length, 1)
  await app.close()
})

t.test('a body that is too large to be remembered is refused before anything is predicted', async (t) => {
  const size = JSON.stringify(EXAMPLE).length
  const { app, logged } = await appWith({ idempotencyMaxBytes: size })
  t.equal((await post(app, 'a')).status, 200)
  const larger = { body: JSON.stringify(EXAMPLE).replace('{', '{ ') }
  t.match(await post(app, 'b', larger), {
    status: 413,
    json: {
      code: 'IDEMPOTENCY_BODY_TOO_LARGE',
      message: new RegExp(`at most ${size} bytes.*got ${size + 1}`),
    },
  })
  t.equal(logged.length, 1)
  t.equal((await post(app, undefined, larger)).status, 200)
  await app.close()
})

t.test('errors are not remembered', async (t) => {
  let full = true
  const logged: PredictionRecord[] = []
  const { app } = await appWith({
    predictionLog: logWith({
      async append(records) {
        if (full) throw new LogFullError('full')
        logged.push(...records)
      },
    }),
  })
  t.equal((await post(app, 'a', { body: { ...EXAMPLE, event_1: -1 } })).status, 400)
  t.equal((await post(app, 'a')).status, 503)
  full = false
  t.equal((await post(app, 'a')).status, 200)
  t.equal(logged.length, 1)
  t.match(await post(app, 'a'), { status: 200, replayed: 'true' })
  await app.close()
})

t.test('two at once: one answer', async (t) => {
  const { app, logged } = await appWith()
  const [one, other] = await Promise.all([post(app, 'a'), post(app, 'a')])
  t.equal(one.text, other.text)
  t.same([one.replayed, other.replayed].sort(), ['true', undefined])
  t.same(logged[0], logged[1])
  await app.close()
})

t.test('the first process was killed before it logged what it had made', async (t) => {
  const firstAnswers = memory()
  const { called, hold } = heldUp()
  const killed = await appWith({
    firstAnswers,
    newPredictionId: () => '00000000-0000-7000-8000-00000000000f',
    predictionLog: logWith({ append: hold }),
  })
  void post(killed.app, 'a')
  await called
  const { app, logged } = await appWith({ firstAnswers })
  const answer = await post(app, 'a')
  t.match(answer, { replayed: 'true', json: { prediction_id: '00000000-0000-7000-8000-00000000000f' } })
  t.same(
    logged.map(({ predictionId }) => predictionId),
    [answer.json.prediction_id],
  )
  await app.close()
})

t.test('what was answered is answered again by a process that has no model', async (t) => {
  const firstAnswers = memory()
  const { app } = await appWith({ firstAnswers })
  const first = await post(app, 'a')
  const empty = await appWith({ firstAnswers, rollout: { current: () => null } })
  t.match(await post(empty.app, 'a'), { status: 200, replayed: 'true', text: first.text })
  t.match(await post(empty.app, 'b'), { status: 503, json: { code: 'MODEL_UNAVAILABLE' } })
  t.match(await post(app, 'b'), { status: 200, replayed: undefined })
  await Promise.all([app.close(), empty.app.close()])
})

t.test('a replay is no new prediction for the shadow', async (t) => {
  const bundle = await loadBundle('artifacts/champion')
  let offered = 0
  const { app } = await appWith({
    rollout: rolloutOf(bundle, bundleLike(bundle, 'new'), { shadow: true }),
    shadow: { offer: () => offered++, miss: () => {} },
  })
  await post(app, 'a')
  await post(app, 'a')
  t.equal(offered, 1)
  await app.close()
})

t.test('a store that fails or hangs costs the guarantee, and not the answer', async (t) => {
  const told: unknown[] = []
  let isThere = false
  const store = memoryStore({ ttlS: 60, maxBytes: 1_000_000 })
  let hung = 0
  let nowMs = 0
  const hang = (): Promise<null> => {
    hung++
    return new Promise(() => {})
  }
  const firstAnswers = new FirstAnswers(
    { keep: (name, value) => (isThere ? store.keep(name, value) : hang()), find: store.find },
    (error) => told.push(error),
    () => nowMs,
  )
  const { app, logged } = await appWith({ firstAnswers })
  const begun = performance.now()
  t.match(await post(app, 'a'), { status: 200, replayed: undefined })
  const waitedMs = performance.now() - begun
  t.ok(waitedMs > 900, `${waitedMs} ms`)
  for (let i = 0; i < 20; i++) t.equal((await post(app, 'a')).status, 200)
  t.equal(hung, 1, 'then it is left alone for a while')
  t.match(firstAnswers.counts(), { replays: 0, reused: 0, unguarded: 21 })
  t.match(told[0], { message: 'expected an answer within 1000 ms' })
  t.equal(logged.length, 21)

  isThere = true
  t.match(await post(app, 'a'), { status: 200, replayed: undefined })
  nowMs = 2_000
  t.match(await post(app, 'a'), { status: 200, replayed: undefined }, 'the first one that is kept')
  t.match(await post(app, 'a'), { status: 200, replayed: 'true' })
  t.match(await post(app, 'a', { body: { ...EXAMPLE, event_1: 7 } }), { status: 422 })
  t.equal(firstAnswers.counts().reused, 1)
  await app.close()
})
