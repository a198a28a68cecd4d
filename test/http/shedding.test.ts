/**
 * A service that has more to do than it can: what is too much gets 503 before its body is read, the rest is answered, and what shows its
 * state always is.
 */
import { Agent, request } from 'node:http'
import t from 'tap'
import { loadBundle } from '../../src/bundle/index.ts'
import { Refusals } from '../../src/limits/index.ts'
import { EXAMPLE } from '../example.ts'
import { appWith, bundleLike, rolloutOf } from './app.ts'

const bundle = await loadBundle('artifacts/champion')
const PREDICT_MS = 4
const workedMs = (): number => process.threadCpuUsage().user / 1000
/** Of the processor's time, so that it is as much on a busy machine. */
const slow = bundleLike(bundle, 'slow', (install) => {
  for (const start = workedMs(); workedMs() - start < PREDICT_MS;);
  return bundle.predict(install)
})

const refusals = new Refusals()
const { app } = await appWith({ rollout: rolloutOf(slow), refusals }, 10_000_000, { shedEventLoopDelayMs: 1 })
await app.listen({ port: 0, host: '127.0.0.1' })
const { port } = app.server.address() as { port: number }
const agent = new Agent({ keepAlive: true, maxSockets: 100 })
t.teardown(async () => {
  agent.destroy()
  await app.close()
})

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
  readonly reused: boolean
}

function send(
  path: string,
  body: string | null,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        port,
        host: '127.0.0.1',
        path,
        agent,
        method: body === null ? 'GET' : 'POST',
        headers: { ...(body !== null && { 'content-type': 'application/json' }), ...headers },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        response.on('end', () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: text,
            reused: outgoing.reusedSocket,
          }),
        )
      },
    )
    outgoing.on('error', reject)
    if (body !== null) outgoing.write(body) // without a length it is sent in chunks
    outgoing.end()
  })
}

const EXAMPLE_BODY = JSON.stringify(EXAMPLE)
const predict = (body = EXAMPLE_BODY) =>
  send('/predict', body, { 'content-length': String(Buffer.byteLength(body)) })

/** Fifty that ask again and again, until one that is `wanted` has come. */
async function overload(aside: () => Promise<void> = async () => {}): Promise<Answer[]> {
  const answers: Answer[] = []
  const over = new AbortController()
  const clients = Array.from({ length: 50 }, async () => {
    while (!over.signal.aborted) answers.push(await predict())
  })
  for (let waitedMs = 0; waitedMs < 20_000 && !answers.some(({ status }) => status === 503); waitedMs += 10)
    await new Promise((resolve) => setTimeout(resolve, 10))
  await aside()
  over.abort()
  await Promise.all(clients)
  return answers
}

t.test('some are refused, the others answered', async (t) => {
  const shed = refusals.counts().shed
  const answers = await overload(async () => {
    for (let i = 0; i < 5; i++)
      for (const path of ['/health', '/health/live', '/health/ready', '/metrics'])
        t.equal((await send(path, null)).status, 200, `${path} is answered`)
  })
  const refused = answers.filter(({ status }) => status === 503)
  const taken = answers.filter(({ status }) => status === 200)
  t.ok(refused.length > 0)
  t.ok(taken.length > 0)
  t.equal(refused.length + taken.length, answers.length)
  t.equal(refusals.counts().shed - shed, refused.length)
  for (const { headers, body } of refused.slice(0, 20)) {
    t.match(headers, { 'retry-after': '1', 'content-type': 'application/json; charset=utf-8' })
    t.same(JSON.parse(body), {
      statusCode: 503,
      code: 'OVERLOADED',
      error: 'Service Unavailable',
      message: 'there are more requests than can be answered in time; Retry-After says when to try again',
    })
  }
  t.ok(
    answers.slice(-50).every(({ reused }) => reused),
    'connections stay open',
  )
  for (const { body } of taken.slice(0, 20)) t.ok(JSON.parse(body).prediction_id)
})

t.test('the body of one that is refused is not read', async (t) => {
  const large = JSON.stringify({
    users: Array.from({ length: 5 }, () => ({ ...EXAMPLE, country: 'x'.repeat(1_000_000) })),
  })
  const ask = {
    announced: () => send('/batch_predict', large, { 'content-length': String(large.length) }),
    'in chunks': () => send('/batch_predict', large),
    'no JSON': () => predict('{'),
  }
  for (const [name, send] of Object.entries(ask)) {
    let refused: Answer | undefined
    await overload(async () => {
      for (let tries = 0; tries < 200 && refused?.status !== 503; tries++) refused = await send()
    })
    t.match(
      refused,
      { status: 503, headers: { connection: name === 'no JSON' ? 'keep-alive' : 'close' } },
      name,
    )
  }
})

t.test('clients that give up meanwhile', async (t) => {
  await overload(async () => {
    for (let i = 0; i < 50; i++) {
      const outgoing = request({
        port,
        host: '127.0.0.1',
        path: '/predict',
        method: 'POST',
        headers: { 'content-length': '10' },
      })
      outgoing.on('error', () => {})
      outgoing.write('{')
      setTimeout(() => outgoing.destroy(), 5)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  })
  t.pass('harm nobody')
})

t.test('when it is over, nobody is refused', async (t) => {
  await new Promise((resolve) => setTimeout(resolve, 500))
  for (let i = 0; i < 20; i++) t.equal((await predict()).status, 200)
})

t.test('nor where shedding is switched off', async (t) => {
  const { app } = await appWith({ rollout: rolloutOf(slow), refusals }, 100_000, { shedEventLoopDelayMs: 0 })
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => app.inject({ method: 'POST', url: '/predict', payload: EXAMPLE })),
  )
  t.ok(answers.every(({ statusCode }) => statusCode === 200))
  await app.close()
})
