/**
 * The nginx that ships, before two servers that do as they are told: what is sent again and what is not, and what passes through.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { NO_NGINX, startNginx } from './nginx.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const ok: Answer = (_, response) =>
  void response.setHeader('content-type', 'application/json').end('{"ok":true}')
/** As a process that is killed when it has read the request. */
const die: Answer = (request) => void request.socket.destroy()
const refuse: Answer = (_, response) =>
  void response.writeHead(503, { 'retry-after': '5' }).end('{"statusCode":503}')

async function behind(t: Test, ...answers: [Answer, Answer]) {
  const seen: { readonly server: number; readonly request: IncomingMessage; readonly body: Buffer }[] = []
  const servers: Server[] = answers.map((answer, server) =>
    createServer(async (request, response) => {
      seen.push({ server, request, body: await buffer(request) })
      answer(request, response)
    }).listen(0, '127.0.0.1'),
  )
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const nginx = await startNginx(servers.map((server) => (server.address() as { port: number }).port))
  t.teardown(async () => {
    await nginx.stop()
    for (const server of servers) server.close().closeAllConnections()
  })
  return {
    seen,
    async send(path: string, headers: Record<string, string> = {}, body: string | null = '{}') {
      seen.length = 0
      const response = await fetch(nginx.url + path, {
        method: body === null ? 'GET' : 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
      })
      return {
        status: response.status,
        headers: response.headers,
        text: await response.text(),
        tries: seen.length,
      }
    },
  }
}

t.test('what is sent again', { skip: NO_NGINX }, async (t) => {
  const key = { 'idempotency-key': 'a' }

  await t.test('one dies', async (t) => {
    const { send, seen } = await behind(t, die, ok)
    // The first one is tried, and left out after three failures.
    for (const [path, headers] of [
      ['/predict', key],
      ['/batch_predict', key],
      ['/outcomes', {}],
      ['/predict', key],
    ] as const) {
      t.match(await send(path, headers, '{"a":1}'), { status: 200, text: '{"ok":true}' }, path)
      t.equal(seen.at(-1)!.server, 1)
      t.equal(seen.at(-1)!.body.toString(), '{"a":1}', 'with its body')
    }
    t.match(await send('/health', {}, null), { status: 200 })
  })

  await t.test('one dies, and there is no key', async (t) => {
    const { send } = await behind(t, die, ok)
    const answers = [await send('/predict'), await send('/predict')]
    t.same(answers.map(({ status }) => status).sort(), [200, 502])
    t.same(
      answers.map(({ tries }) => tries),
      [1, 1],
    )
    const failed = answers.find(({ status }) => status === 502)!
    t.match(JSON.parse(failed.text), { statusCode: 502, code: 'UPSTREAM_FAILED', error: 'Bad Gateway' })
    t.equal(failed.headers.get('content-type'), 'application/json')
    t.match(await send('/predict', key), { status: 200 })
  })

  await t.test('one says 503: that is its answer', async (t) => {
    const { send } = await behind(t, refuse, refuse)
    for (let i = 0; i < 8; i++) {
      const answer = await send('/predict', key)
      t.match(answer, { status: 503, text: '{"statusCode":503}', tries: 1 })
      t.equal(answer.headers.get('retry-after'), '5')
    }
  })

  await t.test('all die: each request is tried all the same', async (t) => {
    const { send } = await behind(t, die, die)
    for (let i = 0; i < 8; i++) {
      const { status, tries } = await send('/predict', key)
      t.equal(status, 502)
      t.ok(tries >= 1 && tries <= 3, `${tries}`)
    }
  })
})

t.test('what passes through', { skip: NO_NGINX }, async (t) => {
  const { send, seen } = await behind(t, ok, ok)
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  await send('/predict', {
    'idempotency-key': 'a',
    'x-request-id': 'mine',
    traceparent,
    'x-forwarded-for': '10.1.2.3',
  })
  t.match(seen[0]!.request.headers, {
    'idempotency-key': 'a',
    'x-request-id': 'mine',
    'x-forwarded-for': '10.1.2.3, 127.0.0.1',
    'x-forwarded-proto': 'http',
    traceparent,
  })
  t.not(seen[0]!.request.headers.connection, 'close', 'connections to the services are kept')
  await send('/predict?explain=true')
  t.match(seen[0]!.request.headers['x-request-id'], /^[0-9a-f]{32}$/)
  t.equal(seen[0]!.request.url, '/predict?explain=true')

  const large = await send('/batch_predict', {}, ' '.repeat(8 * 2 ** 20))
  t.equal(large.status, 200)
  t.equal(seen[0]!.body.length, 8 * 2 ** 20)
  const tooLarge = await send('/batch_predict', {}, ' '.repeat(8 * 2 ** 20 + 1))
  t.match(tooLarge, { status: 413, tries: 0 })
  t.match(JSON.parse(tooLarge.text), { statusCode: 413, message: 'body: expected at most 8388608 bytes' })
  t.match(await send('/metrics', {}, null), { status: 404, tries: 0 })
})
