/**
 * Who asks too often, and what browsers are told.
 */
import t from 'tap'
import type { AppOptions } from '../../src/http/index.ts'
import { MemoryCounts, Refusals, type RequestCounts } from '../../src/limits/index.ts'
import { loadBundle } from '../../src/bundle/index.ts'
import { readConfig } from '../../src/config/index.ts'
import { EXAMPLE } from '../example.ts'
import { appWith, rolloutOf } from './app.ts'

const rollout = rolloutOf(await loadBundle('artifacts/champion'))

const KEYS: Readonly<Record<string, string>> = { 'key-a': 'studio a', 'key-b': 'studio b' }

/** With an access control of its own: a header names the caller, and a wrong one is refused. */
async function limited(
  settings: Readonly<Record<string, string>>,
  requestCounts: RequestCounts = new MemoryCounts(() => 0), // no time passes
) {
  const refusals = new Refusals()
  const { rateLimits, trustProxy, browsers } = readConfig(settings)
  const limits: Partial<AppOptions['limits']> = { rateLimits, trustProxy, browsers }
  const { app } = await appWith({ rollout, refusals, requestCounts }, 100_000, limits)
  app.addHook('onRequest', async (request) => {
    const key = request.headers['x-key']
    if (typeof key !== 'string') return
    const name = KEYS[key]
    if (name === undefined)
      throw Object.assign(new Error('no such key'), { statusCode: 401, code: 'KEY_UNKNOWN' })
    request.caller = { id: name, name, scopes: new Set() }
  })
  const ask = async (
    headers: Readonly<Record<string, string>> = {},
    url = '/model/info',
    remoteAddress = '10.0.0.1',
  ) => app.inject({ url, headers, remoteAddress })
  /** Statuses of so many requests, one after the other. */
  const statuses = async (count: number, ...how: Parameters<typeof ask>) => {
    const all: number[] = []
    for (let i = 0; i < count; i++) all.push((await ask(...how)).statusCode)
    return all
  }
  return { app, refusals, ask, statuses }
}

const A = { 'x-key': 'key-a' }
const B = { 'x-key': 'key-b' }
const WRONG = { 'x-key': 'guess' }

t.test('a caller with a key is counted by his name, wherever he asks from', async (t) => {
  const { app, refusals, ask, statuses } = await limited({ RATE_LIMIT_PER_KEY: '3/minute' })
  t.same(await statuses(2, A), [200, 200])
  t.same(await statuses(2, A, '/model/info', '10.0.0.2'), [200, 429])
  t.same(await statuses(1, B), [200], 'another has his own')
  t.same(await statuses(5), [200, 200, 200, 200, 200], 'without a key there is no limit here')
  const refused = await ask(A)
  t.same(refused.json(), {
    statusCode: 429,
    code: 'RATE_LIMITED',
    error: 'Too Many Requests',
    message: 'expected at most 3 requests of this caller in 60 s, got more',
  })
  t.same(refusals.counts(), { limited: { key: 2, address: 0 }, shed: 0 })
  await app.close()
})

t.test('every answer says what is left', async (t) => {
  const { app, ask } = await limited({ RATE_LIMIT_PER_KEY: '2/minute', RATE_LIMIT_PER_ADDRESS: '9' })
  const first = (await ask(A)).headers
  t.match(first, {
    'ratelimit-policy': '"key";q=2;w=60',
    ratelimit: /^"key";r=1;t=60$/,
    'ratelimit-limit': '2',
    'ratelimit-remaining': '1',
    'ratelimit-reset': /^60$/,
  })
  t.equal('retry-after' in first, false)
  t.match((await ask(A)).headers, { ratelimit: /^"key";r=0;t=/ })
  const { headers } = await ask(A)
  t.match(headers, { ratelimit: /^"key";r=0;t=/, 'ratelimit-remaining': '0', 'retry-after': /^60$/ })
  t.match((await ask()).headers, { 'ratelimit-policy': '"address";q=9;w=1', ratelimit: '"address";r=8;t=1' })
  await app.close()
})

t.test('HEAD counts once', async (t) => {
  const { app } = await limited({ RATE_LIMIT_PER_ADDRESS: '5/minute' })
  const { statusCode, headers } = await app.inject({ method: 'HEAD', url: '/model/info' })
  t.match({ statusCode, left: headers['ratelimit-remaining'] }, { statusCode: 200, left: '4' })
  await app.close()
})

t.test('a window ends', async (t) => {
  let nowMs = 0
  const { app, statuses } = await limited({ RATE_LIMIT_PER_ADDRESS: '1/hour' }, new MemoryCounts(() => nowMs))
  t.same(await statuses(2), [200, 429])
  nowMs = 3_600_000
  t.same(await statuses(2), [200, 429])
  await app.close()
})

t.test('without a key the address counts', async (t) => {
  const { app, refusals, statuses } = await limited({ RATE_LIMIT_PER_ADDRESS: '2/minute' })
  t.same(await statuses(3), [200, 200, 429])
  t.same(await statuses(1, {}, '/model/info', '10.0.0.2'), [200])
  t.same(await statuses(1, {}, '/model/info', '::ffff:10.0.0.1'), [429], 'the same in IPv6 dress')
  t.same(await statuses(2, {}, '/model/info', '2001:db8::1'), [200, 200])
  t.same(await statuses(1, {}, '/model/info', '2001:db8::abcd'), [429], 'a /64 is one address')
  t.same(await statuses(1, {}, '/model/info', '2001:db8:0:1::1'), [200])
  t.same(await statuses(3, A), [200, 200, 200], 'a key from the same address is not meant')
  t.same(
    await statuses(1, { 'x-forwarded-for': '9.9.9.9' }),
    [429],
    'and nobody is believed who names another',
  )
  t.same(refusals.counts().limited, { key: 0, address: 4 })
  await app.close()
})

t.test('what access control refuses counts as well, and is then refused before it', async (t) => {
  const { app, refusals, ask, statuses } = await limited({ RATE_LIMIT_PER_ADDRESS: '3/minute' })
  t.same(await statuses(5, WRONG), [401, 401, 401, 429, 429])
  const { headers } = await ask(WRONG)
  t.match(headers, { 'retry-after': /^60$/, ratelimit: /^"address";r=0/ })
  t.same(await statuses(1, A), [429], 'guessing ends for the address, whatever is guessed next')
  t.same(await statuses(1, WRONG, '/model/info', '10.0.0.2'), [401])
  t.equal(refusals.counts().limited.address, 4)
  await app.close()
})

t.test('what is not there counts, too', async (t) => {
  const { app, statuses } = await limited({ RATE_LIMIT_PER_ADDRESS: '2/minute' })
  t.same(await statuses(3, {}, '/nowhere'), [404, 404, 429])
  t.same(await statuses(1), [429])
  await app.close()
})

t.test('health and metrics are never refused', async (t) => {
  const { app, statuses } = await limited({
    RATE_LIMIT_PER_ADDRESS: '1/minute',
    RATE_LIMIT_PER_KEY: '1/minute',
  })
  await statuses(3, WRONG)
  t.same(await statuses(2), [429, 429])
  for (const path of ['/health', '/health/live', '/health/ready', '/metrics', '/metrics?a=b'])
    for (const headers of [{}, A]) t.same(await statuses(2, headers, path), [200, 200], path)
  t.same(await statuses(2, {}, '/ping'), [200, 200])
  for (const path of ['/healthy', '/health/', '/metrics/../model/info', '/docs', '/x/metrics', '/ping/x'])
    t.same(await statuses(1, {}, path), [429], path)
  await app.close()
})

t.test('a caller in a private network is no proxy', async (t) => {
  const { app, statuses } = await limited({ RATE_LIMIT_PER_ADDRESS: '1/minute', TRUST_PROXY: '172.29.57.10' })
  const spoofing = (forwarded: string) =>
    statuses(1, { 'x-forwarded-for': forwarded }, '/model/info', '172.18.0.1')
  t.same(await spoofing('1.1.1.1'), [200])
  t.same(await spoofing('1.1.1.2'), [429], 'whatever it says')
  await app.close()
})

t.test('a proxy that is believed', async (t) => {
  const from = (forwarded: string) => [{ 'x-forwarded-for': forwarded }, '/model/info'] as const
  for (const TRUST_PROXY of ['10.0.0.0/8', '1']) {
    const { app, statuses } = await limited({ RATE_LIMIT_PER_ADDRESS: '1/minute', TRUST_PROXY })
    t.same(await statuses(2, ...from('1.1.1.1')), [200, 429])
    t.same(await statuses(1, ...from('1.1.1.2')), [200])
    t.same(await statuses(1, ...from('9.9.9.9, 1.1.1.1')), [429], 'what the client says before is not')
    await app.close()
  }
  const ports = await limited({ RATE_LIMIT_PER_ADDRESS: '1/minute', TRUST_PROXY: '1' })
  t.same(await ports.statuses(1, ...from('1.1.1.1:1000')), [200])
  t.same(await ports.statuses(1, ...from('1.1.1.1:2000')), [429], 'a port is no part of it')
  t.same(await ports.statuses(1, ...from('[2001:db8::1]:1000')), [200])
  t.same(await ports.statuses(1, ...from('[2001:db8::2]')), [429])
  t.same(await ports.statuses(1, ...from('nonsense')), [200])
  t.same(await ports.statuses(1, ...from('x'.repeat(5000))), [429], 'what is no address is one caller')
  await ports.app.close()
  const { app, statuses } = await limited({ RATE_LIMIT_PER_ADDRESS: '1/minute', TRUST_PROXY: '2' })
  t.same(await statuses(1, ...from('1.1.1.1, 2.2.2.2')), [200])
  t.same(await statuses(1, ...from('1.1.1.1, 3.3.3.3')), [429])
  await app.close()
  const strict = await limited({ RATE_LIMIT_PER_ADDRESS: '1/minute', TRUST_PROXY: '192.0.2.1' })
  t.same(await strict.statuses(1, ...from('1.1.1.1')), [200])
  t.same(await strict.statuses(1, ...from('1.1.1.2')), [429], 'another is not')
  await strict.app.close()
})

t.test('without limits nothing is counted and nothing is said', async (t) => {
  const counted: string[] = []
  const counts = new MemoryCounts()
  const { app, ask } = await limited(
    {},
    Object.assign(counts, { add: (key: string) => (counted.push(key), { current: 1, ttl: 1 }) }),
  )
  t.notMatch(Object.keys((await ask(A)).headers).join(), /ratelimit/)
  t.same(counted, [])
  await app.close()
})

t.test('a batch is one request', async (t) => {
  const { app } = await limited({ RATE_LIMIT_PER_ADDRESS: '1/minute' })
  const send = () =>
    app.inject({ method: 'POST', url: '/batch_predict', payload: { users: [EXAMPLE, EXAMPLE] } })
  t.same([(await send()).statusCode, (await send()).statusCode], [200, 429])
  await app.close()
})

t.test('helmet’s headers are on every answer', async (t) => {
  const { app, ask } = await limited({})
  for (const path of ['/model/info', '/docs', '/docs/json', '/nowhere', '/stats?window=x', '/health/live'])
    t.match((await ask({}, path)).headers, {
      'content-security-policy': /^default-src 'self'; /,
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-dns-prefetch-control': 'off',
      'x-frame-options': 'SAMEORIGIN',
      'strict-transport-security': undefined,
      'x-powered-by': undefined,
    })
  await app.close()
  const own = await limited({ CONTENT_SECURITY_POLICY: "default-src 'none'", HSTS_MAX_AGE_S: '600' })
  t.match((await own.ask()).headers, {
    'content-security-policy': "default-src 'none'",
    'strict-transport-security': 'max-age=600',
  })
  await own.app.close()
  const off = await limited({ SECURITY_HEADERS: 'off' })
  const { headers } = await off.ask()
  t.same(Object.keys(headers).toSorted(), [
    'connection',
    'content-length',
    'content-type',
    'date',
    'x-request-id',
  ])
  await off.app.close()
})

t.test('pages of other origins', async (t) => {
  const page = { origin: 'https://a.example' }
  const preflight = {
    ...page,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type,x-key',
  }
  const ask = async (settings: Readonly<Record<string, string>>) => {
    const { app } = await limited(settings)
    const [simple, asked, missing] = [
      await app.inject({ url: '/model/info', headers: page }),
      await app.inject({ method: 'OPTIONS', url: '/predict', headers: preflight }),
      await app.inject({ url: '/nowhere', headers: page }),
    ]
    await app.close()
    return { simple, asked, missing }
  }
  const none = await ask({})
  t.equal(none.simple.headers['access-control-allow-origin'], undefined)
  t.equal(none.asked.statusCode, 405)

  const some = await ask({ CORS_ORIGINS: 'https://b.example,https://a.example' })
  t.match(some.simple.headers, {
    'access-control-allow-origin': 'https://a.example',
    'access-control-expose-headers': /retry-after/,
    vary: /Origin/,
  })
  t.equal(some.asked.statusCode, 204)
  t.match(some.asked.headers, {
    'access-control-allow-origin': 'https://a.example',
    'access-control-allow-methods': /POST.*DELETE/,
    'access-control-allow-headers': 'content-type,x-key',
    'access-control-max-age': '600',
    'access-control-allow-credentials': undefined,
  })
  t.equal(some.missing.headers['access-control-allow-origin'], 'https://a.example', 'errors can be read, too')

  const others = await ask({ CORS_ORIGINS: 'https://b.example' })
  t.equal(others.simple.headers['access-control-allow-origin'], undefined)
  t.equal(others.asked.headers['access-control-allow-origin'], undefined)
  t.equal((await ask({ CORS_ORIGINS: '*' })).simple.headers['access-control-allow-origin'], '*')
})

t.test('a preflight asks for no key, and is not counted as a guess', async (t) => {
  const { app, statuses } = await limited({ CORS_ORIGINS: '*', RATE_LIMIT_PER_ADDRESS: '2/minute' })
  const headers = { origin: 'https://a.example', 'access-control-request-method': 'POST' }
  for (let i = 0; i < 4; i++)
    t.equal(
      (await app.inject({ method: 'OPTIONS', url: '/predict', headers, remoteAddress: '10.0.0.1' }))
        .statusCode,
      204,
    )
  t.same(await statuses(2), [200, 200])
  await app.close()
})
