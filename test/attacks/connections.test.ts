/**
 * What can be done to a service over its connections: many that say little, bodies that do not end, requests one after the other without
 * waiting. The others are served meanwhile, and in order.
 */
import t from 'tap'
import { readConfig } from '../../src/config/index.ts'
import { EXAMPLE } from '../example.ts'
import { appWith, metricsOf, type TestApp } from '../http/app.ts'
import { until } from '../until.ts'
import { answersIn, converse, open } from './wire.ts'

async function listening(
  settings: Readonly<Record<string, string>>,
  context: Parameters<typeof appWith>[0] = {},
): Promise<TestApp & { port: number }> {
  const { connections } = readConfig(settings)
  const test = await appWith(context, 1_000_000, { connections })
  await test.app.listen({ port: 0, host: '127.0.0.1' })
  return { ...test, port: (test.app.server.address() as { port: number }).port }
}

const BODY = JSON.stringify(EXAMPLE)
const post = (body: string): string =>
  `POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

const isAnswered = async (port: number): Promise<boolean> => {
  const response = await fetch(`http://127.0.0.1:${port}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: BODY,
  })
  return response.status === 200
}

t.test('heads that do not end', async (t) => {
  const { app, port } = await listening({ HEADERS_TIMEOUT_MS: '600' })
  const half = Array.from({ length: 200 }, () => open(port))
  for (const { socket } of half) socket.write('POST /predict HTTP/1.1\r\nhost: localhost\r\n')
  // As slowloris does, each says a little more from time to time.
  const dripping = setInterval(() => {
    for (const { socket } of half) if (socket.writable) socket.write('x-a: b\r\n')
  }, 100)
  t.ok(await isAnswered(port), 'another is served meanwhile')
  await until('all are cut', () => half.every(({ heard }) => heard.closed))
  clearInterval(dripping)
  for (const { heard, socket } of half) {
    t.ok(heard.closed)
    t.match(answersIn(heard.text()), [{ status: 408, body: /REQUEST_TIMEOUT/ }])
    socket.destroy()
  }
  t.ok(await isAnswered(port))
  await app.close()
})

t.test('bodies that do not end', async (t) => {
  const { app, port, logged } = await listening({ HEADERS_TIMEOUT_MS: '500', REQUEST_TIMEOUT_MS: '1000' })
  const slow = Array.from({ length: 50 }, () => open(port))
  for (const { socket } of slow) socket.write(post(BODY).slice(0, -50))
  const dripping = setInterval(() => {
    for (const { socket } of slow) if (socket.writable) socket.write(' ')
  }, 100)
  t.ok(await isAnswered(port), 'another is served meanwhile')
  await until('all are cut', () => slow.every(({ heard }) => heard.closed))
  clearInterval(dripping)
  for (const { heard, socket } of slow) {
    t.match(answersIn(heard.text()), [{ status: 408 }])
    socket.destroy()
  }
  t.equal(logged.length, 1)
  await app.close()
})

t.test('connections that say nothing, and clients that do not listen', async (t) => {
  const timeouts = { HEADERS_TIMEOUT_MS: '500', STALL_TIMEOUT_MS: '500', KEEP_ALIVE_TIMEOUT_MS: '500' }
  let rendered = 0
  const render = async (): Promise<string> => (rendered++, 'x'.repeat(100_000))
  const { app, port } = await listening(timeouts, { metrics: metricsOf({ render }) })
  const silent = open(port)
  const idle = open(port)
  idle.socket.write(post(BODY))
  const deaf = open(port)
  deaf.socket.pause()
  deaf.socket.write('GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(1_000))
  const connected = () =>
    new Promise<number>((resolve) => app.server.getConnections((_, count) => resolve(count)))
  await until(
    'all are cut',
    async () => silent.heard.closed && idle.heard.closed && (await connected()) === 0,
  )
  t.ok(silent.heard.closed, 'who says nothing is cut')
  t.match(answersIn(idle.heard.text()), [{ status: 200 }], 'who has been answered, too')
  t.ok(idle.heard.closed)
  t.equal(await connected(), 0, 'and who does not read his answers')
  t.ok(rendered > 0 && rendered < 500, `of which ${rendered} were made`)
  for (const { socket } of [silent, idle, deaf]) socket.destroy()
  await app.close()
})

t.test('more connections than there may be', async (t) => {
  const { app, port } = await listening({ MAX_CONNECTIONS: '10' })
  const many = Array.from({ length: 30 }, () => open(port))
  await until('the others are cut', () => many.filter(({ heard }) => heard.closed).length === 20)
  t.equal(many.filter(({ heard }) => heard.closed).length, 20)
  for (const { socket } of many) socket.destroy()
  await until('there is room again', () => isAnswered(port).catch(() => false))
  await app.close()
})

t.test('requests that do not wait for answers', async (t) => {
  const { app, port, logged } = await listening({})
  const countries = ['es', 'fr', 'de', 'jp']
  const good = countries.map((country) => post(JSON.stringify({ ...EXAMPLE, country })))
  const bad = [
    post('{"country":'),
    post(JSON.stringify({ ...EXAMPLE, event_1: -1 })),
    'GET /nowhere HTTP/1.1\r\nhost: localhost\r\n\r\n',
    'GET /% HTTP/1.1\r\nhost: localhost\r\n\r\n',
  ]
  const mixed = good.flatMap((request, i) => [request, bad[i]!])

  await t.test('are answered in order, and one that is wrong breaks no other', async (t) => {
    const { answers, closed } = await converse(port, mixed.join(''), mixed.length)
    t.same(
      answers.map(({ status }) => status),
      [200, 400, 200, 400, 200, 404, 200, 400],
    )
    t.notOk(closed)
    t.same(
      answers.filter(({ status }) => status === 200).map(({ body }) => JSON.parse(body).prediction_id),
      logged.map(({ predictionId }) => predictionId),
    )
    t.same(
      logged.map(({ install }) => install.country),
      countries,
    )
  })

  await t.test('those before one that is no HTTP are answered, and none after it', async (t) => {
    logged.length = 0
    const { answers, closed } = await converse(port, `${good[0]}${good[1]}nonsense\r\n\r\n${good[2]}`, 3)
    t.same(
      answers.map(({ status }) => status),
      [200, 200, 400],
    )
    t.ok(closed)
    t.equal(logged.length, 2)
  })

  await t.test('byte by byte', async (t) => {
    const { socket, heard } = open(port)
    for (const byte of Buffer.from(good[0]! + bad[0]! + good[1]!)) socket.write(Buffer.of(byte))
    await until('three answers', () => answersIn(heard.text()).length === 3)
    t.same(
      answersIn(heard.text()).map(({ status }) => status),
      [200, 400, 200],
    )
    socket.destroy()
  })
  await app.close()
})
