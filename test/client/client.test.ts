/**
 * The client, against the app on a real socket, and against a server that has bad days.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { type ClientOptions, createClient, Day7Error } from '../../src/client/index.ts'
import { EXAMPLE } from '../example.ts'
import { appWith, logWith } from '../http/app.ts'

const FAST = { firstDelayMs: 1, maxDelayMs: 20, timeoutMs: 300_000 }

async function clientOf(t: Test, context: Parameters<typeof appWith>[0] = {}) {
  const { app, logged } = await appWith(context)
  t.teardown(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { client: createClient({ url, retries: FAST }), logged }
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** Gives one answer after the other, and the last one again and again. */
async function serverOf(t: Test, ...answers: Answer[]) {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    const answer = answers[Math.min(requests.length, answers.length) - 1]!
    request.resume().on('end', () => answer(request, response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = (options: Partial<ClientOptions> = {}) => createClient({ url, retries: FAST, ...options })
  return { client, requests, server }
}

const answer =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))

const OK = answer(200, { predicted_revenue: 1.5 })
const BUSY = answer(503, { statusCode: 503, code: 'BUSY', message: 'busy' }, { 'retry-after': '0' })
const KEY = 'idempotency-key'

t.test('what the service answers', async (t) => {
  const { client, logged } = await clientOf(t)
  const prediction = await client.predict(EXAMPLE)
  t.equal(prediction.predicted_revenue, logged[0]?.predictedRevenue)
  t.equal(prediction.model.variant, 'champion')
  const batch = await client.predictBatch([EXAMPLE, { ...EXAMPLE, event_1: -1 }])
  t.equal(batch.predictions[0]?.predicted_revenue, prediction.predicted_revenue)
  t.match(batch.predictions[1]?.error, 'event_1: expected a number ≥ 0, got -1')
  const { data } = await client.api.GET('/model/info')
  t.equal(data?.name, 'day7-revenue')
})

t.test('outcomes', async (t) => {
  const outcomes: unknown[] = []
  const recordOutcomes = async (some: readonly unknown[]) => void outcomes.push(...some)
  const { client } = await clientOf(t, { predictionLog: logWith({ recordOutcomes }) })
  t.match(await client.recordOutcomes([{ user_id: 'player 1', revenue: 4.99 }]), { accepted: 1, errors: [] })
  t.match(outcomes, [{ userId: 'player 1', revenue: 4.99 }])
})

t.test('a refusal is an error with its code, and is not asked for again', async (t) => {
  const { client } = await clientOf(t)
  const failed = client.predict({ ...EXAMPLE, event_1: -1 })
  await t.rejects(failed, { status: 400, message: 'event_1: expected a number ≥ 0, got -1' })
  await t.rejects(failed, Day7Error)

  const { client: other, requests } = await serverOf(
    t,
    answer(401, { code: 'KEY_MISSING', message: 'no key' }),
  )
  await t.rejects(other().predict(EXAMPLE), { status: 401, code: 'KEY_MISSING', message: 'no key' })
  t.equal(requests.length, 1)
})

t.test('a key goes with every call', async (t) => {
  const { client, requests } = await serverOf(t, OK)
  await client({ key: 'day7_x_y' }).predict(EXAMPLE)
  t.equal(requests[0]?.headers['authorization'], 'Bearer day7_x_y')
})

t.test('what may pass is asked for again, under one key', async (t) => {
  const limited = answer(429, {}, { 'retry-after': '0' })
  const running = answer(409, {}, { 'retry-after': '0' })
  const { client, requests } = await serverOf(t, BUSY, limited, running, OK)
  t.equal((await client().predict(EXAMPLE)).predicted_revenue, 1.5)
  t.equal(requests.length, 4)
  const keys = new Set(requests.map(({ headers }) => headers[KEY]))
  t.equal(keys.size, 1)
  await client().predict(EXAMPLE)
  t.notOk(keys.has(requests[4]?.headers[KEY]), 'another call, another key')
  await client().predict(EXAMPLE, { idempotencyKey: 'mine' })
  t.equal(requests[5]?.headers[KEY], 'mine')
})

t.test('so often, and no more', async (t) => {
  const { client, requests } = await serverOf(t, BUSY)
  await t.rejects(client().predict(EXAMPLE), { status: 503, code: 'BUSY', message: 'busy' })
  t.equal(requests.length, 4)
  const { response } = await client().api.POST('/predict', { body: EXAMPLE })
  t.equal(response.status, 503)
  t.equal(requests.length, 5, 'a POST without a key is not repeated')
})

t.test('a conflict that stays', async (t) => {
  const { client, requests } = await serverOf(t, answer(409, { code: 'CONFLICT', message: 'no' }))
  await t.rejects(client().predict(EXAMPLE), { status: 409, code: 'CONFLICT' })
  t.equal(requests.length, 1)
})

t.test('a connection that is cut, and one that hangs', async (t) => {
  const cut: Answer = (request) => request.socket.destroy()
  const hang: Answer = () => {}
  const { client } = await serverOf(t, cut, hang, OK)
  const patient = client({ retries: { ...FAST, timeoutMs: 1_000 } })
  t.equal((await patient.predict(EXAMPLE)).predicted_revenue, 1.5)
})

t.test('nobody there', async (t) => {
  const { client, server } = await serverOf(t, OK)
  await new Promise((resolve) => server.close(resolve))
  await t.rejects(client().predict(EXAMPLE), {
    status: 0,
    code: 'UNREACHABLE',
    message: /^http:.* has not answered, asked 4 times$/,
  })
})

t.test('whoever has called may change his mind', async (t) => {
  const { client, requests } = await serverOf(t, answer(503, {}, { 'retry-after': '3600' }))
  const patient = client({ retries: { maxDelayMs: 3_600_000 } })
  const mind = new AbortController()
  const call = patient.predict(EXAMPLE, { signal: mind.signal })
  while (requests.length === 0) await new Promise(setImmediate)
  mind.abort(new Error('enough'))
  await t.rejects(call, { message: 'enough' })
})

t.test('a page that is no answer', async (t) => {
  const { client } = await serverOf(t, (_request, response) =>
    response.writeHead(404).end('<html>nginx</html>'),
  )
  await t.rejects(client().predict(EXAMPLE), { status: 404, code: 'UNEXPECTED', message: /answered 404/ })
})

t.test('the types are of this openapi.yaml', (t) => {
  const hash = createHash('sha256').update(readFileSync('openapi.yaml')).digest('hex')
  t.match(readFileSync('src/client/api.ts', 'utf8').split('\n', 1)[0], hash, 'else: npm run client')
  t.end()
})
