/**
 * A service that has more to do than it can: what is too much gets 503 before its body is read, the rest is answered, and what shows its
 * state always is.
 */
import { Agent, request } from 'node:http'
import perfHooks from 'node:perf_hooks'
import t from 'tap'
import { loadBundle } from '../../src/bundle/index.ts'
import { Refusals } from '../../src/limits/index.ts'
import { EXAMPLE } from '../example.ts'
import { until } from '../until.ts'

/** What the event loop is late, as @fastify/under-pressure is told; it takes a sample every tenth of a second. */
let delayMs = 0
/** As it was told last. */
let toldMs = NaN
const UNDER_PRESSURE_RESOLUTION_MS = 10
const histogram = {
  get mean() {
    toldMs = delayMs
    return (UNDER_PRESSURE_RESOLUTION_MS + delayMs) * 1e6
  },
  reset() {},
  enable() {},
  disable() {},
}
Object.assign(perfHooks, { monitorEventLoopDelay: () => histogram })
const { appWith, rolloutOf } = await import('./app.ts') // under-pressure asks when it is loaded

const rollout = rolloutOf(await loadBundle('artifacts/champion'))
const refusals = new Refusals()
/** Time stands still, but for what each request costs: so a turn of the event loop takes up three. */
let nowMs = 0
const COST_MS = 4
const intakeClock = { nowMs: () => nowMs, workedMs: () => nowMs, atTheEnd: setImmediate }
const { app } = await appWith({ rollout, refusals }, 10_000_000, { shedEventLoopDelayMs: 1, intakeClock })
app.server.prependListener('request', () => (nowMs += COST_MS))
await app.listen({ port: 0, host: '127.0.0.1' })
const { port } = app.server.address() as { port: number }
const AT_ONCE = 20
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE + 1 })
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
  over = agent,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        port,
        host: '127.0.0.1',
        path,
        agent: over,
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

const atOnce = (ask: () => Promise<Answer> = predict): Promise<Answer[]> =>
  Promise.all(Array.from({ length: AT_ONCE }, ask))

const isRefused = ({ status }: Answer): boolean => status === 503

const overload = async (): Promise<void> => {
  delayMs = 1_000
  await until('the loop is found to be late', async () => (await atOnce()).some(isRefused))
}

const recover = async (): Promise<void> => {
  delayMs = 0
  // Few that come apart are all answered while it is late, too.
  await until(
    'the loop is found to be in time',
    async () => toldMs === 0 && !(await atOnce()).some(isRefused),
  )
}

t.test('some are refused, the others answered', async (t) => {
  await overload()
  const shed = refusals.counts().shed
  const answering = atOnce()
  for (const path of ['/health', '/health/live', '/health/ready', '/metrics'])
    t.equal((await send(path, null)).status, 200, `${path} is answered`)
  const answers = await answering
  const refused = answers.filter(isRefused)
  const taken = answers.filter(({ status }) => status === 200)
  t.ok(refused.length > 0)
  t.ok(taken.length > 0)
  t.equal(refused.length + taken.length, answers.length)
  t.equal(refusals.counts().shed - shed, refused.length)
  for (const { headers, body } of refused) {
    t.match(headers, { 'retry-after': '1', 'content-type': 'application/json; charset=utf-8' })
    t.same(JSON.parse(body), {
      statusCode: 503,
      code: 'OVERLOADED',
      error: 'Service Unavailable',
      message: 'there are more requests than can be answered in time; Retry-After says when to try again',
    })
  }
  t.ok(
    answers.every(({ reused }) => reused),
    'connections stay open',
  )
  for (const { body } of taken) t.ok(JSON.parse(body).prediction_id)
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
    // One of those that come when the turn is full.
    const refused = await until(`${name}: one is refused`, async () => {
      const [, answer] = await Promise.all([atOnce(), send()])
      return isRefused(answer) && answer
    })
    t.match(refused, { headers: { connection: name === 'no JSON' ? 'keep-alive' : 'close' } }, name)
  }
})

t.test('clients that give up meanwhile', async (t) => {
  const others = new Agent({ keepAlive: true })
  t.teardown(() => others.destroy())
  // Their connections are there before, so that what they ask comes in one turn.
  await atOnce(() => send('/health/live', null, {}, others))
  await overload()
  const shed = refusals.counts().shed
  const gone = Array.from({ length: AT_ONCE }, () => {
    const outgoing = request({
      port,
      host: '127.0.0.1',
      agent: others,
      path: '/predict',
      method: 'POST',
      headers: { 'content-length': '10' },
    })
    outgoing.on('error', () => {})
    outgoing.write('{')
    return outgoing
  })
  await until('some of them are refused', () => refusals.counts().shed > shed)
  for (const outgoing of gone) outgoing.destroy()
  await until('their connections are closed', async () => (await connections()) <= AT_ONCE + 1)
  t.match(new Set((await atOnce()).map(({ status }) => status)), new Set([200, 503]), 'harm nobody')
})

const connections = () =>
  new Promise<number>((resolve) => app.server.getConnections((_, count) => resolve(count)))

t.test('when it is over, nobody is refused', async (t) => {
  await recover()
  t.notOk((await atOnce()).some(isRefused))
})

t.test('nor where shedding is switched off', async (t) => {
  delayMs = 1_000
  const { app } = await appWith({ rollout, refusals }, 100_000, { shedEventLoopDelayMs: 0, intakeClock })
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => app.inject({ method: 'POST', url: '/predict', payload: EXAMPLE })),
  )
  t.ok(answers.every(({ statusCode }) => statusCode === 200))
  await app.close()
})
