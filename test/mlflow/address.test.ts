/**
 * Which server is asked with which credentials, and that these are nowhere to be read.
 */
import { inspect } from 'node:util'
import t from 'tap'
import { createMlflowClient, type MlflowClientOptions } from '../../src/mlflow/index.ts'
import { clientOf, failure, fakeServer } from './fake-server.ts'

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`

t.test('tracking URIs', (t) => {
  for (const trackingUri of [
    'http://h',
    'https://h:1/',
    'http://h/a/b',
    'http://u:p@h',
    'http://[::1]:5000/x/',
  ])
    t.doesNotThrow(() => createMlflowClient({ trackingUri }), trackingUri)
  const refused = [
    ...['', 'mlflow', 'localhost:5000', '127.0.0.1:5000', '//h', 'ftp://h', 'file:///tmp/mlruns', 'http://'],
    ...[
      'sqlite:///mlflow.db',
      'databricks',
      'databricks-uc://x',
      'http://h?x=1',
      'http://h#x',
      'http://h:port',
    ],
  ]
  for (const trackingUri of refused)
    t.throws(
      () => createMlflowClient({ trackingUri }),
      { code: 'INVALID_TRACKING_URI', message: /expected the tracking URI to be http\(s\):\/\/host/ },
      trackingUri,
    )
  t.end()
})

t.test('a refused tracking URI is shown without its secrets', (t) => {
  const refused = [
    ...[
      'ftp://me:s3cret@h',
      'me:s3cret@h',
      'http://me:s3cret@',
      'http://me:s3cret@h?x',
      'http://me:s3/cret@:x',
    ],
    ...['http://me:s3cret%zz@h', 'http://h?token=s3cret', 'http://h#s3cret', 'http://me:s3cret\n@h:port'],
  ]
  for (const trackingUri of refused) {
    const error = t.throws(() => createMlflowClient({ trackingUri }), { code: 'INVALID_TRACKING_URI' })
    t.notMatch(inspect(error), /s3|cret|token=/, trackingUri)
  }
  t.end()
})

t.test('the prefix stands before every path', async (t) => {
  const server = await fakeServer(t, { body: 'OK' })
  for (const path of ['', '/', '/a/b', '/a/b/']) await clientOf(t, server.url + path).health()
  t.strictSame(
    server.asked.map(({ url }) => url),
    ['/health', '/health', '/a/b/health', '/a/b/health'],
  )
})

t.test('the Authorization header', async (t) => {
  const server = await fakeServer(t, { body: 'OK' })
  const withUser = server.url.replace('//', '//me:p%40ss@')
  const cases: [string, MlflowClientOptions['auth'], string | undefined][] = [
    [server.url, undefined, undefined],
    [server.url, null, undefined],
    [server.url, { username: 'me', password: 'p:é' }, basic('me:p:é')],
    [server.url, { token: 'abc' }, 'Bearer abc'],
    [server.url, { token: 'abc', username: 'me', password: 'p' } as { token: string }, 'Bearer abc'],
    [withUser, undefined, basic('me:p@ss')],
    [withUser, null, basic('me:p@ss')],
    [withUser, { token: 'abc' }, 'Bearer abc'],
    [withUser, { username: 'you', password: '' }, basic('you:')],
    [server.url.replace('//', '//me@'), undefined, basic('me:')],
  ]
  for (const [trackingUri, auth, expected] of cases) {
    await clientOf(t, trackingUri, auth === undefined ? {} : { auth }).health()
    t.equal(server.asked.at(-1)!.headers.authorization, expected)
  }
})

t.test('credentials that no header can hold', (t) => {
  const trackingUri = 'http://h'
  for (const auth of [
    ...[{ token: '' }, { token: 's3cret\nx: y' }, { token: 's3cret é' }, { token: 's3 cret' }],
    ...[
      { username: 'a:b', password: 's3cret' },
      { username: 'a', password: 's3\rcret' },
    ],
  ]) {
    const error = t.throws(() => createMlflowClient({ trackingUri, auth }), { code: 'INVALID_CREDENTIALS' })
    t.notMatch(inspect(error), /s3|cret/)
  }
  t.end()
})

t.test('no error shows a secret, though the server repeats it', async (t) => {
  const auths = [{ token: 's3cret-t0ken' }, { username: 'me', password: 's3cret/pass' }]
  for (const auth of auths)
    for (const asUserInfo of [false, true]) {
      if (asUserInfo && 'token' in auth) continue
      const server = await fakeServer(t, (_, response, { headers, url }) => {
        const said = `${headers.authorization} s3cret-t0ken s3cret/pass s3cret%2Fpass`
        const json = JSON.stringify({ error_code: 'BAD_REQUEST', message: said })
        const [status, body, more]: [number, string, object] = url.includes('get-by-name')
          ? [400, json, {}]
          : url.includes('runs/get')
            ? [401, `<h1>${said}</h1>`, {}]
            : url.includes('version')
              ? [200, said, {}]
              : url.includes('registered-models')
                ? [200, `<h1>${said}</h1>`, {}]
                : [302, '', { location: `http://me:s3cret%2Fpass@h/${said}` }]
        response.writeHead(status, { ...more }).end(body)
      })
      const userInfo = 'token' in auth ? '' : `${auth.username}:${encodeURIComponent(auth.password)}@`
      const client = asUserInfo
        ? clientOf(t, server.url.replace('//', `//${userInfo}`))
        : clientOf(t, server.url, { auth })
      const secrets = 'token' in auth ? /s3cret-t0ken/ : /s3cret(\/|%2F)pass|bWU6czNjcmV0/
      for (const call of [
        () => client.getExperimentByName('e'),
        () => client.getRun('r'),
        () => client.version(),
        () => client.getRegisteredModel('m'),
        () => client.health(),
      ]) {
        const error = await failure(call())
        t.match(error.message, /\*\*\*/)
        t.notMatch(inspect(error, { depth: 10 }), secrets)
      }
    }
})

t.test('nor does one of a connection', async (t) => {
  const client = clientOf(t, 'http://me:s3cret@127.0.0.1:1/', { policy: { retries: 0 } })
  const error = await failure(client.getRun('r'))
  t.match(error, { code: 'MLFLOW_UNREACHABLE' })
  t.notMatch(inspect(error, { depth: 10 }), /s3cret|bWU6/)
})
