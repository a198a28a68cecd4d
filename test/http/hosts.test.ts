/**
 * Under which names a service may be asked that asks nobody for a key: a page of others may have given one of its own names its address.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { withoutAccess } from '../../src/access/index.ts'
import { readConfig } from '../../src/config/index.ts'
import { EXAMPLE } from '../example.ts'
import { appWith } from './app.ts'

async function asking(t: Test, settings: Readonly<Record<string, string>> = {}, isEnforced = false) {
  const { browsers, host } = readConfig({ AUTH: 'off', ...settings })
  const access = { ...withoutAccess(), isEnforced: () => isEnforced }
  const { app } = await appWith({ access }, undefined, { browsers, host })
  t.teardown(() => app.close())
  const ask = (host: string, path = '/stats', headers = {}) =>
    app.inject({ url: path, headers: { host, ...headers } })
  const predict = (origin: string | undefined, host = 'localhost') =>
    app.inject({
      method: 'POST',
      url: '/predict',
      payload: EXAMPLE,
      headers: { host, ...(origin !== undefined && { origin }) },
    })
  return { app, ask, predict }
}

const KNOWN = [
  ...['localhost', 'LocalHost:5001', 'localhost.:80', 'day7.localhost', '127.0.0.1', '127.1.2.3:5001'],
  ...['[::1]', '[::1]:5001', '192.168.1.4:5001', '[fe80::1]:80'],
]
const STRANGE = [
  ...[
    'evil.example',
    'EVIL.example:5001',
    'localhost.evil.example',
    'evil.example:127.0.0.1',
    'localhost@evil.example',
  ],
  ...['127.0.0.1.evil.example', '2130706433', '[::1].evil.example', '[localhost]', 'api'],
]

t.test('names of this machine and addresses, and no others', async (t) => {
  const { ask } = await asking(t)
  for (const host of KNOWN) t.not((await ask(host)).statusCode, 421, host)
  for (const path of [
    '/stats',
    '/health',
    '/health/live',
    '/metrics',
    '/docs/',
    '/dashboard',
    '/nothing',
    '/v2',
  ])
    for (const host of STRANGE) t.equal((await ask(host, path)).statusCode, 421, `${host} ${path}`)
  t.same((await ask('evil.example')).json(), {
    statusCode: 421,
    code: 'HOST_NOT_ALLOWED',
    error: 'Misdirected Request',
    message: 'Host: expected localhost, an IP address, HOST or one of ALLOWED_HOSTS, got "evil.example"',
  })
  t.equal(
    (await ask('evil.example', '/stats', { 'x-forwarded-host': 'localhost' })).statusCode,
    421,
    'whatever a proxy is said to have been asked for',
  )
})

t.test('names of the settings', async (t) => {
  const { ask } = await asking(t, { HOST: 'Day7.internal', ALLOWED_HOSTS: 'api, Day7.Example.' })
  for (const host of ['day7.internal:5001', 'api:5001', 'DAY7.example', 'localhost'])
    t.not((await ask(host)).statusCode, 421, host)
  for (const host of ['a.api', 'example', 'evil.example']) t.equal((await ask(host)).statusCode, 421, host)
  const all = await asking(t, { ALLOWED_HOSTS: '*' })
  t.not((await all.ask('evil.example')).statusCode, 421)
  t.throws(() => readConfig({ ALLOWED_HOSTS: 'https://a.example' }), /ALLOWED_HOSTS: expected names/)
})

t.test('where callers need a key, no page has one', async (t) => {
  const { ask } = await asking(t, {}, true)
  t.equal((await ask('evil.example', '/health/live')).statusCode, 200)
})

t.test('as a whole address', async (t) => {
  const { app } = await asking(t)
  const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const statusOf = async (target: string, ...headers: string[]): Promise<number> => {
    const socket = connect(Number(url.port), url.hostname)
    await once(socket, 'connect')
    socket.end([`GET ${target} HTTP/1.1`, ...headers, 'connection: close', '', ''].join('\r\n'))
    return Number((await text(socket)).split(' ')[1])
  }
  t.equal(await statusOf('http://localhost/health/live', 'host: localhost'), 200)
  t.equal(await statusOf('http://evil.example/health/live', 'host: localhost'), 421)
  t.equal(await statusOf('http://localhost@evil.example/health/live', 'host: localhost'), 421)
  t.equal(await statusOf('http://localhost/health/live', 'host: evil.example'), 421)
  t.equal(await statusOf('/health/live', 'host: evil.example'), 421)
})

t.test('pages of others change nothing', async (t) => {
  const { predict, ask } = await asking(t, { CORS_ORIGINS: 'https://games.example' })
  for (const origin of [undefined, 'http://localhost:3000', 'http://127.0.0.1:5001', 'https://games.example'])
    t.equal((await predict(origin)).statusCode, 200, origin ?? 'no page')
  for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.example'])
    t.match((await predict(origin)).json(), { statusCode: 403, code: 'ORIGIN_NOT_ALLOWED' }, origin)
  t.equal((await ask('localhost', '/health/live', { origin: 'https://evil.example' })).statusCode, 200)
})
