/**
 * Who gets an answer: every route asks for its scope, and what is no key and no token gets nothing, in every way that was thought of.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import fastify, { type FastifyInstance, type InjectOptions } from 'fastify'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import {
  Access,
  type AccessScope,
  IssuerKeys,
  KeyFollower,
  type KeyRecord,
  SCOPES,
  Tokens,
  withoutAccess,
} from '../../src/access/index.ts'
import { makeKey } from '../../src/access/keys.ts'
import { REDACTED } from '../../src/http/index.ts'
import { guardRoutes } from '../../src/http/plugins/access.ts'
import { AUDIENCE, type Issuer, startIssuer } from '../access/issuer.ts'
import { until } from '../until.ts'
import { EXAMPLE } from '../example.ts'
import { appWith, NOW, send } from './app.ts'

const keyFor = (scopes: readonly AccessScope[], change: Partial<KeyRecord> = {}) => {
  const key = makeKey({ name: scopes.join('+'), scopes, created: NOW, expires: null })
  return { ...key, record: { ...key.record, ...change } }
}
const KEYS = Object.fromEntries(SCOPES.map((scope) => [scope, keyFor([scope])])) as Record<
  AccessScope,
  ReturnType<typeof keyFor>
>
const EXPIRED = keyFor(SCOPES, { expires: NOW })
const REVOKED = keyFor(SCOPES, { revoked: NOW })
const ALL = [...Object.values(KEYS), EXPIRED, REVOKED]

const SILENT = { info: () => {}, warn: () => {}, error: () => {} }

interface Guarded {
  readonly issuer?: Issuer
  readonly guardsMetrics?: boolean
  /** For the issuer. */
  readonly timeoutMs?: number
}

async function guarded(t: Test, { issuer, guardsMetrics = false, timeoutMs = 300_000 }: Guarded = {}) {
  const keys = new KeyFollower({
    store: { list: async () => ALL.map(({ record }) => record) },
    place: 'here',
    memory: null,
    pollMs: 60_000,
    logger: SILENT,
  })
  const issuerKeys =
    issuer &&
    new IssuerKeys({
      issuer: issuer.url,
      jwksUri: null,
      policy: { timeoutMs },
      logger: SILENT,
      onChange: () => {},
    })
  const trusted = issuerKeys && {
    keys: issuerKeys,
    tokens: new Tokens(
      { issuer: issuer!.url, audience: AUDIENCE, scopeClaim: 'scope', scopePrefix: '' },
      issuerKeys.resolve,
    ),
  }
  // Tokens are of the real time; keys here know only NOW.
  const now = () => (trusted ? new Date() : NOW)
  const access = new Access({ mode: 'on', keys, issuer: trusted ?? null, guardsMetrics, now })
  await access.open()
  const { app, logged } = await appWith({ access })
  t.teardown(async () => {
    access.close()
    await app.close()
  })
  return { app, access, logged }
}

const bearer = (text: string) => ({ authorization: `Bearer ${text}` })

/** What each route asks for; `null`: nothing. */
const ROUTES: Readonly<Record<string, AccessScope | null>> = {
  'POST /predict': 'predict',
  'POST /batch_predict': 'predict',
  'GET /health': null,
  'GET /health/live': null,
  'GET /health/ready': null,
  'GET /model/info': 'read',
  'GET /model/history': 'read',
  'GET /model/drift': 'read',
  'GET /model/inputs': 'read',
  'GET /stats': 'read',
  'GET /stats/recent': 'read',
  'GET /stats/live': 'read',
  'POST /outcomes': 'outcomes',
  'GET /accuracy': 'read',
  'POST /spend': 'outcomes',
  'GET /cohorts': 'read',
  'GET /experiments': 'read',
  'GET /training-data/days': 'admin',
  'GET /training-data': 'admin',
  'POST /admin/retrainings': 'admin',
  'DELETE /users/{user_id}': 'admin',
  'POST /users/erase': 'admin',
  'GET /admin/rollout': 'admin',
  'PUT /admin/rollout': 'admin',
  'DELETE /admin/rollout': 'admin',
  'GET /metrics': null,
  'POST /invocations': 'predict',
  'GET /ping': null,
  'GET /version': null,
  'GET /v2': null,
  'GET /v2/health/live': null,
  'GET /v2/health/ready': null,
  'GET /v2/models/{name}': 'read',
  'GET /v2/models/{name}/ready': null,
  'GET /v2/models/{name}/versions/{version}': 'read',
  'GET /v2/models/{name}/versions/{version}/ready': null,
  'POST /v2/models/{name}/infer': 'predict',
  'POST /v2/models/{name}/versions/{version}/infer': 'predict',
}

t.test('every route asks for its scope and no other', async (t) => {
  const { app } = await guarded(t)
  const { paths } = (await send(app, '/docs/json')).body
  const documented = Object.entries<Record<string, any>>(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, { security }]) => [`${method.toUpperCase()} ${path}`, security] as const,
    ),
  )
  t.same(documented.map(([route]) => route).toSorted(), Object.keys(ROUTES).toSorted())
  for (const [route, security] of documented) {
    const scope = ROUTES[route]!
    const [method, path] = route.split(' ') as ['GET', string]
    const asks = (headers: Record<string, string> = {}) =>
      // What never ends is not asked for: that it refuses this is enough.
      app.inject({
        method,
        url: path.replace('{user_id}', 'u'),
        headers: { accept: 'application/json', ...headers },
      })
    const without = await asks()
    if (scope === null) {
      t.not(without.statusCode, 401, `${route} is open`)
      const read = [{ bearer: ['read'] }, { apiKey: ['read'] }]
      t.same(security, path === '/metrics' ? [{}, ...read] : [])
      continue
    }
    t.same(security, [{ bearer: [scope] }, { apiKey: [scope] }], route)
    t.equal(without.statusCode, 401, route)
    for (const [has, { text }] of Object.entries(KEYS)) {
      const { statusCode, headers } = await asks(bearer(text))
      if (has === scope) t.notOk([401, 403].includes(statusCode), `${route} with ${has}`)
      else {
        t.equal(statusCode, 403, `${route} with ${has}`)
        t.equal(
          headers['www-authenticate'],
          `Bearer realm="day7", error="insufficient_scope", scope="${scope}"`,
        )
      }
    }
  }
})

t.test('open to all: health, pages, what is not there', async (t) => {
  const { app } = await guarded(t)
  for (const url of [
    '/health/live',
    '/docs',
    '/docs/json',
    '/docs/static/index.html',
    '/dashboard/',
    '/metrics',
  ])
    t.ok((await app.inject(url)).statusCode < 400, url)
  t.equal((await app.inject('/nothing')).statusCode, 404)
  t.equal((await app.inject({ method: 'HEAD', url: '/stats' })).statusCode, 401)
})

t.test('a caller who is known', async (t) => {
  const { app, logged } = await guarded(t)
  const predict = (headers: Record<string, string>) =>
    app.inject({ method: 'POST', url: '/predict', payload: EXAMPLE, headers })
  const { text } = KEYS.predict
  for (const headers of [
    bearer(text),
    { authorization: `bearer ${text}` },
    { authorization: `BEARER   ${text}` },
    { 'x-api-key': text },
    { 'x-api-key': text, ...bearer(text) },
  ])
    t.equal((await predict(headers)).statusCode, 200)
  t.equal(logged.length, 5)
  const elsewhere = {
    remoteAddress: '10.0.0.7',
    headers: { ...bearer(KEYS.admin.text), origin: 'https://x' },
  }
  t.equal(
    (await app.inject({ url: '/admin/rollout', ...elsewhere })).statusCode,
    200,
    'an operator, from elsewhere',
  )
})

t.test('a caller who is not', async (t) => {
  const { app, access, logged } = await guarded(t)
  const refused = async (
    headers: Record<string, string>,
    status: number,
    code: string,
    challenge?: string,
  ) => {
    // What the body holds nobody looks at.
    const request = { method: 'POST', url: '/predict', payload: '{', headers } as const
    const response = await app.inject(request)
    t.equal(response.statusCode, status, code)
    t.same(Object.keys(response.json()).toSorted(), ['code', 'error', 'message', 'statusCode'])
    t.equal(response.json().code, code)
    t.equal(response.headers['www-authenticate'], challenge)
    for (const { text } of ALL) t.notOk(response.body.includes(text.slice(18)), 'no secret comes back')
  }
  const realm = 'Bearer realm="day7"'
  const invalid = `${realm}, error="invalid_token"`
  const { text } = KEYS.predict
  await refused({}, 401, 'CREDENTIALS_MISSING', realm)
  await refused(
    bearer(makeKey({ name: '', scopes: SCOPES, created: NOW, expires: null }).text),
    401,
    'KEY_UNKNOWN',
    invalid,
  )
  await refused(
    bearer(text.replace(KEYS.predict.record.id, KEYS.read.record.id)),
    401,
    'KEY_UNKNOWN',
    invalid,
  )
  await refused(bearer(EXPIRED.text), 401, 'KEY_EXPIRED', invalid)
  await refused({ 'x-api-key': REVOKED.text }, 401, 'KEY_REVOKED', invalid)
  for (const authorization of [
    '',
    'Bearer',
    'Bearer ',
    'Bearer "x"',
    `Bearer ${text} `.repeat(2).trim(),
    `Bearer ${text},${text}`,
    `Basic ${Buffer.from(`key:${text}`).toString('base64')}`,
    `Digest username="${text}"`,
    text,
  ])
    await refused({ authorization }, 401, 'CREDENTIALS_INVALID', invalid)
  for (const key of ['', 'day7', `${text}, ${text}`, `Bearer ${text}`])
    await refused({ 'x-api-key': key }, 401, 'CREDENTIALS_INVALID', invalid)
  await refused({ ...bearer(text), 'x-api-key': KEYS.admin.text }, 400, 'CREDENTIALS_AMBIGUOUS')
  await refused({ authorization: 'Basic x', 'x-api-key': text }, 401, 'CREDENTIALS_INVALID', invalid)
  await refused({ cookie: `authorization=Bearer ${text}` }, 401, 'CREDENTIALS_MISSING', realm)
  t.same(logged, [], 'none was answered')
  t.match(access.status().refusals, {
    CREDENTIALS_MISSING: 2,
    KEY_UNKNOWN: 2,
    KEY_EXPIRED: 1,
    KEY_REVOKED: 1,
    CREDENTIALS_AMBIGUOUS: 1,
  })
})

t.test('a key in the address', async (t) => {
  const { app } = await guarded(t)
  const { text } = KEYS.read
  for (const query of [
    `api_key=${text}`,
    `window=1h&apikey=x`,
    `API-KEY=x`,
    `access_token=x`,
    `x-api-key=x`,
    `token=x`,
    `key=x`,
    `q=${text}`,
    `q=eyJhbGciOiJub25lIn0.e30.`,
  ])
    for (const headers of [{}, bearer(text)]) {
      const response = await app.inject({ url: `/stats?${query}`, headers })
      t.match(response.json(), {
        statusCode: 400,
        code: 'CREDENTIALS_IN_URL',
        message: /send it in the header/,
      })
      t.notOk(response.body.includes(text))
    }
  t.not(
    (await app.inject({ url: '/stats?window=1h', headers: bearer(text) })).json().code,
    'CREDENTIALS_IN_URL',
  )
})

t.test('a header that comes twice', async (t) => {
  const { app } = await guarded(t)
  const address = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const lines = (name: string, ...values: string[]) => values.map((value) => `${name}: ${value}\r\n`).join('')
  const raw = async (headers: string): Promise<string> => {
    const socket = connect(Number(address.port), address.hostname)
    socket.end(`GET /model/info HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`)
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk))
    await once(socket, 'close')
    return answer
  }
  const [good, bad] = [KEYS.read.text, KEYS.predict.text]
  t.match(await raw(lines('Authorization', `Bearer ${good}`)), /^HTTP\/1.1 200/)
  for (const headers of [
    lines('Authorization', `Bearer ${good}`, `Bearer ${bad}`),
    lines('authorization', `Bearer ${good}`) + lines('AUTHORIZATION', `Bearer ${good}`),
    lines('X-API-Key', good, good),
  ])
    t.match(await raw(headers), /^HTTP\/1.1 400 .*CREDENTIALS_AMBIGUOUS/s)
})

t.test('access tokens', async (t) => {
  const issuer = await startIssuer(t)
  const { app } = await guarded(t, { issuer })
  const info = async (token: string) => {
    const { statusCode, headers, body } = await app.inject({ url: '/model/info', headers: bearer(token) })
    return [statusCode, headers['www-authenticate'], JSON.parse(body).code]
  }
  const realm = 'Bearer realm="day7"'
  t.equal((await info(await issuer.token()))[0], 200)
  t.equal((await info(KEYS.read.text))[0], 200, 'keys beside them')
  t.same(await info(await issuer.token({ scope: 'predict' })), [
    403,
    `${realm}, error="insufficient_scope", scope="read"`,
    'INSUFFICIENT_SCOPE',
  ])
  const invalid = `${realm}, error="invalid_token"`
  t.same(await info(await issuer.token({ aud: 'x' })), [401, invalid, 'TOKEN_INVALID'])
  t.same(await info(await issuer.token({ exp: 1 })), [401, invalid, 'TOKEN_EXPIRED'])
  t.same(await info('day7'), [401, invalid, 'TOKEN_INVALID'])

  const silent = await startIssuer(t)
  silent.mood = 'hanging'
  const away = await guarded(t, { issuer: silent, timeoutMs: 300 })
  const response = await away.app.inject({ url: '/model/info', headers: bearer(await silent.token()) })
  t.match(response.json(), { statusCode: 503, code: 'ACCESS_UNAVAILABLE' })
  t.equal(response.headers['retry-after'], '5')
  t.equal((await away.app.inject({ url: '/model/info', headers: bearer(KEYS.read.text) })).statusCode, 200)
})

t.test('tokens where there is no issuer', async (t) => {
  const issuer = await startIssuer(t)
  const { app } = await guarded(t)
  t.match((await app.inject({ url: '/stats', headers: bearer(await issuer.token()) })).json(), {
    statusCode: 401,
    code: 'CREDENTIALS_INVALID',
  })
})

t.test('health, and a service that cannot tell who may be let in', async (t) => {
  const store = { list: async (): Promise<KeyRecord[]> => Promise.reject(new Error('away')) }
  const keys = new KeyFollower({ store, place: 'here', memory: null, pollMs: 20, logger: SILENT })
  const access = new Access({ mode: 'on', keys, issuer: null, guardsMetrics: false, now: () => NOW })
  await access.open()
  const { app } = await appWith({ access })
  t.match(await send(app, '/health/ready'), {
    status: 503,
    retryAfter: '5',
    body: { code: 'ACCESS_UNAVAILABLE' },
  })
  t.match(await send(app, '/health'), {
    body: { status: 'degraded', access: { required: true, keys: 'unknown', issuer: null } },
  })
  t.equal((await app.inject('/health/live')).statusCode, 200)
  store.list = async () => []
  await until('current', () => keys.state() === 'current')
  t.match(await send(app, '/health/ready'), { status: 200, body: { status: 'ok' } })
  t.match(await send(app, '/health'), { body: { status: 'ok', access: { keys: 'current' } } })
  access.close()
  await app.close()
})

t.test('the switch of /metrics', async (t) => {
  const { app } = await guarded(t, { guardsMetrics: true })
  const status = async (headers: InjectOptions['headers'] = {}) =>
    (await app.inject({ url: '/metrics', headers })).statusCode
  t.equal(await status(), 401)
  t.equal(await status(bearer(KEYS.predict.text)), 403)
  t.equal(await status(bearer(KEYS.read.text)), 200)
})

t.test('while nobody is asked, an operator is a caller on the same machine', async (t) => {
  const { app } = await appWith()
  const from = async (request: InjectOptions) => (await app.inject(request)).json().code
  const erase = { method: 'DELETE', url: '/users/u' } as const
  t.equal(await from({ ...erase, remoteAddress: '10.0.0.7' }), 'NOT_LOCAL')
  t.equal(await from({ ...erase, headers: { origin: 'http://localhost' } }), 'NOT_LOCAL')
  t.equal(await from(erase), 'PREDICTION_LOG_OFF', 'he gets as far as the log')
  t.equal((await app.inject({ url: '/model/info', remoteAddress: '10.0.0.7' })).statusCode, 200)
  await app.close()
})

t.test('a route that does not say what it asks for prevents the start', async (t) => {
  const app = fastify()
  guardRoutes(app, withoutAccess())
  t.throws(() => app.get('/x', () => ''), {
    message: 'GET /x: expected config.scope, which says what a caller needs',
  })
  t.throws(() => app.post('/docs/x', () => ''), /POST \/docs\/x: expected config.scope/)
  t.throws(() => app.get('/docsx', () => ''), /expected config.scope/)
  app.get('/y', { config: { scope: 'open' } }, () => '')
  const child = async (app: FastifyInstance) => void app.get('/z', () => '')
  await t.rejects(Promise.resolve(app.register(child)), /GET \/z: expected config.scope/)
})

t.test('no line of the log shows a secret', (t) => {
  const lines: string[] = []
  const logger = pino({ redact: [...REDACTED] }, { write: (line: string) => void lines.push(line) })
  const headers = { authorization: 'Bearer secret', 'x-api-key': 'secret', cookie: 'secret', host: 'h' }
  logger.info({ headers }, 'a')
  logger.info({ req: { headers } }, 'b')
  t.equal(lines.length, 2)
  for (const line of lines) {
    t.notMatch(line, /secret/)
    t.match(line, /"host":"h"/)
  }
  t.end()
})
