/**
 * A client that sends all and then closes its side, as `nc -N` does, gets its answer, also one that takes a while.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { loadBundle } from '../../src/bundle/index.ts'
import { EXAMPLE } from '../example.ts'
import { appWith, logWith, rolloutOf } from './app.ts'

const AT_ONCE = 20
/** Longer than Node needs to hear of the end. */
const ANSWER_TAKES_MS = 20

const predictionLog = logWith({ append: () => delay(ANSWER_TAKES_MS) })
const { app } = await appWith(
  { rollout: rolloutOf(await loadBundle('artifacts/champion')), predictionLog },
  10_000_000,
)
const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
t.teardown(() => app.close())

const request = (path: string, type: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nhost: ${url.host}\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

async function answersTo(bytes: string, endsAtOnce: boolean): Promise<string> {
  const socket = connect({ host: url.hostname, port: Number(url.port), allowHalfOpen: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  if (endsAtOnce) socket.end(bytes)
  else socket.write(bytes, () => setImmediate(() => socket.end()))
  const answers = await text(socket)
  socket.destroy()
  return answers
}

const single = request('/predict', 'application/json', JSON.stringify(EXAMPLE))
const users = Array.from({ length: 5 }, () => EXAMPLE)
const LARGE_BYTES = 500_000
const LINES = 100
const line = `${JSON.stringify(EXAMPLE)}\n`
const ASKED: readonly (readonly [name: string, bytes: string, predictions: number])[] = [
  ['a single one', single, 1],
  ['two on one connection', single + single, 2],
  [
    'a large body',
    request('/batch_predict', 'application/json', JSON.stringify({ users }) + ' '.repeat(LARGE_BYTES)),
    users.length,
  ],
  ['a stream', request('/batch_predict', 'application/x-ndjson', line.repeat(LINES)), LINES],
]

for (const [name, bytes, predictions] of ASKED)
  t.test(name, async (t) => {
    for (const endsAtOnce of [true, false]) {
      const all = await Promise.all(Array.from({ length: AT_ONCE }, () => answersTo(bytes, endsAtOnce)))
      t.same(
        all.map((answers) => answers.split('"prediction_id"').length - 1),
        all.map(() => predictions),
      )
    }
  })

t.test('a client that closes its side in the middle of a body is told', async (t) => {
  t.match(await answersTo(single.slice(0, -10), true), /^HTTP\/1\.1 400 /)
})
