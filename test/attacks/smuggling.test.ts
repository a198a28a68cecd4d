/**
 * Requests that a proxy and the service might read in two ways, each sent to a listening service: refused with 400, once, and the
 * connection closed, so that nothing that follows is taken for a request.
 */
import t from 'tap'
import { EXAMPLE } from '../example.ts'
import { appWith } from '../http/app.ts'
import { converse } from './wire.ts'

const { app, logged } = await appWith()
await app.listen({ port: 0, host: '127.0.0.1' })
t.teardown(() => app.close())
t.beforeEach(() => void logged.splice(0))
const { port } = app.server.address() as { port: number }

const BODY = JSON.stringify(EXAMPLE)
const LENGTH = BODY.length
const CHUNKS = `${LENGTH.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`
const SMUGGLED = 'GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n'

/** @param head lines, each with its end */
const post = (head: string, body: string, version = '1.1'): string =>
  `POST /predict HTTP/${version}\r\nhost: localhost\r\ncontent-type: application/json\r\n${head}\r\n${body}`
const length = `content-length: ${LENGTH}\r\n`
const chunked = 'transfer-encoding: chunked\r\n'

const AMBIGUOUS: Readonly<Record<string, string>> = {
  'a length and chunks': post(length + chunked, CHUNKS),
  'chunks and a length': post(chunked + length, CHUNKS),
  'two lengths': post(`${length}content-length: ${LENGTH + 1}\r\n`, BODY),
  'the same length twice': post(length + length, BODY),
  'a list of lengths': post(`content-length: ${LENGTH}, ${LENGTH}\r\n`, BODY),
  'a length with a sign': post(`content-length: +${LENGTH}\r\n`, BODY),
  'a negative length': post('content-length: -1\r\n', BODY),
  'a hexadecimal length': post('content-length: 0x10\r\n', BODY),
  'an empty length': post('content-length: \r\n', BODY),
  'a length of 65 bits': post('content-length: 18446744073709551617\r\n', BODY),
  'chunked, identity': post('transfer-encoding: chunked, identity\r\n', CHUNKS),
  'gzip, chunked': post('transfer-encoding: gzip, chunked\r\n', CHUNKS),
  identity: post('transfer-encoding: identity\r\n', BODY),
  xchunked: post('transfer-encoding: xchunked\r\n', CHUNKS),
  'chunked after a vertical tab': post('transfer-encoding: \x0Bchunked\r\n', CHUNKS),
  'chunked twice': post(chunked + chunked, CHUNKS),
  'chunked, and identity in a line of its own': post(`${chunked}transfer-encoding: identity\r\n`, CHUNKS),
  'chunks in HTTP/1.0': post(chunked, CHUNKS, '1.0'),
  'obs-fold': post(`x-a: b\r\n c\r\n${length}`, BODY),
  'obs-fold before chunked': post('transfer-encoding:\r\n chunked\r\n', CHUNKS),
  'bare LF throughout': post(length, '').replaceAll('\r\n', '\n') + BODY,
  'bare LF once': post(`x-a: b\n${length}`, BODY),
  'bare CR': post(`x-a: b\r${length}`, BODY),
  'space before the colon': post(`content-length : ${LENGTH}\r\n`, BODY),
  'space before the first name': `POST /predict HTTP/1.1\r\n host: localhost\r\n${length}\r\n${BODY}`,
  'NUL in a header': post(`x-a: b\0c\r\n${length}`, BODY),
  'no host': `POST /predict HTTP/1.1\r\ncontent-type: application/json\r\n${length}\r\n${BODY}`,
  'two hosts': post(`Host: other\r\n${length}`, BODY),
  'a chunk whose length overflows': post(chunked, `fffffffffffffffff\r\n${BODY}\r\n0\r\n\r\n`),
  'a chunk of length 0x': post(chunked, `0x10\r\n${BODY}\r\n0\r\n\r\n`),
  'a chunk with a bare LF': post(chunked, `${LENGTH.toString(16)}\n${BODY}\r\n0\r\n\r\n`),
  'a chunk with a space after its length': post(chunked, `${LENGTH.toString(16)} \r\n${BODY}\r\n0\r\n\r\n`),
  'a chunk that does not end': post(chunked, `${LENGTH.toString(16)}\r\n${BODY}XX0\r\n\r\n`),
  'HTTP/1.2': post(length, BODY, '1.2'),
  'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'HTTP/0.9': 'GET /health/live\r\n\r\n',
  TLS: '\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03',
}

t.test('what can be read in two ways is refused, and the connection closed', async (t) => {
  const conversations = await Promise.all(
    Object.values(AMBIGUOUS).map((bytes) => converse(port, Buffer.from(bytes + SMUGGLED, 'latin1'))),
  )
  for (const [index, name] of Object.keys(AMBIGUOUS).entries()) {
    const { answers, closed } = conversations[index]!
    t.same(
      answers.map(({ status }) => status),
      [400],
      name,
    )
    t.equal(answers[0]?.headers['connection'], 'close', name)
    t.ok(closed, name)
    t.match(
      JSON.parse(answers[0]?.body ?? '{}'),
      { statusCode: 400, code: 'NOT_HTTP', error: 'Bad Request', message: /^expected/ },
      name,
    )
  }
  t.same(logged, [], 'nothing is predicted')
})

t.test('the same in one way is answered, and so is what follows', async (t) => {
  const plain = {
    'a length': post(length, BODY),
    chunks: post(chunked, CHUNKS),
    'chunks, in capitals': post('Transfer-Encoding: CHUNKED\r\n', CHUNKS),
    'a chunk with an extension': post(chunked, CHUNKS.replace('\r\n', ';a=b\r\n')),
    'with 100-continue': post(`expect: 100-continue\r\n${length}`, BODY),
  }
  for (const [name, bytes] of Object.entries(plain)) {
    const { answers, closed } = await converse(port, bytes + SMUGGLED, 2)
    t.same(
      answers.map(({ status }) => status),
      [200, 200],
      name,
    )
    t.notOk(closed, name)
  }
  t.equal(logged.length, Object.keys(plain).length)
})

t.test('no tunnel, and no other server', async (t) => {
  const { answers, closed } = await converse(port, 'CONNECT elsewhere:80 HTTP/1.1\r\nhost: elsewhere\r\n\r\n')
  t.same({ answers, closed }, { answers: [], closed: true })
  const absolute = await converse(
    port,
    'GET http://elsewhere/health/live HTTP/1.1\r\nhost: localhost\r\n\r\n',
  )
  t.match(absolute.answers, [{ status: 421 }], 'answered by ourselves')
  const trace = await converse(port, 'TRACE /predict HTTP/1.1\r\nhost: localhost\r\ncookie: secret\r\n\r\n')
  t.match(trace.answers, [{ status: 405 }])
  t.notMatch(trace.answers[0]!.body, /secret/)
})

t.test('long extensions of chunks', async (t) => {
  const { answers, closed } = await converse(
    port,
    post(chunked, CHUNKS.replace('\r\n', `;a=${'b'.repeat(20_000)}\r\n`)),
  )
  t.match({ answers, closed }, { answers: [{ status: 413 }], closed: true })
})
