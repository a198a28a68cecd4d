/**
 * Artifacts: which paths go out, where they go, and how many bytes come back.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { MockAgent } from 'undici'
import { until } from '../until.ts'
import { clientOf, failure, fakeServer, FAST } from './fake-server.ts'

const RUN = { artifactUri: 'mlflow-artifacts:/1/r/artifacts' }
const UPLOADS = '/api/2.0/mlflow-artifacts/artifacts'
const BYTES = Buffer.from('x')

t.test('paths that are refused before anything is sent', async (t) => {
  const server = await fakeServer(t, {})
  const client = clientOf(t, server.url)
  const paths = [
    ...[
      '',
      '/',
      '/a',
      'a/',
      'a//b',
      '.',
      './a',
      'a/./b',
      '..',
      '../a',
      'a/..',
      'a/../b',
      'a\\b',
      '..\\a',
      'C:\\a',
    ],
    ...['a\0', 'a\nb', 'a\u007f', 'a#b', '%2e%2e/a', 'a%2Fb', 'a%00', 'a%41', 'a\ud800'],
  ]
  for (const path of paths)
    for (const call of [
      () => client.uploadArtifact(RUN, path, BYTES),
      () => client.listRunArtifacts('r', path),
      () => client.downloadRunArtifact('r', path, { maxBytes: 1 }),
      () => client.listModelArtifacts('m', '1', path),
      () => client.downloadModelArtifact('m', '1', path, { maxBytes: 1 }),
      () => client.downloadModelFile('m', '1', path, { maxBytes: 1 }),
    ])
      t.match(await failure(call()), { code: 'INVALID_ARTIFACT_PATH', status: null }, JSON.stringify(path))
  t.equal(server.asked.length, 0)
})

t.test('paths are encoded, name by name', async (t) => {
  const server = await fakeServer(t, {})
  const client = clientOf(t, `${server.url}/prefix`)
  await client.uploadArtifact(RUN, 'a b/é?&=+;:@/50%/...', BYTES)
  await client.downloadRunArtifact('r', 'a b/é?&=+', { maxBytes: 100 })
  t.strictSame(
    server.asked.map(({ method, url }) => `${method} ${url}`),
    [
      `PUT /prefix${UPLOADS}/1/r/artifacts/a%20b/%C3%A9%3F%26%3D%2B%3B%3A%40/50%25/...`,
      'GET /prefix/get-artifact?run_id=r&path=a+b%2F%C3%A9%3F%26%3D%2B',
    ],
  )
})

t.test('locations', async (t) => {
  const server = await fakeServer(t, {})
  const client = clientOf(t, server.url.replace('//', '//me:s3cret@'))
  const { host } = new URL(server.url)
  for (const artifactUri of [
    'mlflow-artifacts:/1/r',
    'mlflow-artifacts:/1/r/',
    'mlflow-artifacts:///1/r',
    `mlflow-artifacts://${host}/1/r`,
  ]) {
    await client.uploadArtifact({ artifactUri }, 'f', BYTES)
    t.equal(server.asked.at(-1)!.url, `${UPLOADS}/1/r/f`, artifactUri)
    t.match(server.asked.at(-1)!.headers, { authorization: /^Basic/, 'content-length': '1' })
  }
  await client.uploadArtifact({ artifactUri: 'mlflow-artifacts:/' }, 'f', BYTES)
  t.equal(server.asked.at(-1)!.url, `${UPLOADS}/f`)
})

t.test('a server of its own for artifacts gets no credentials', async (t) => {
  const tracking = await fakeServer(t, {})
  const artifacts = await fakeServer(t, {})
  const client = clientOf(t, tracking.url.replace('//', '//me:s3cret@') + '/prefix')
  const artifactUri = `mlflow-artifacts://${new URL(artifacts.url).host}/1/r`
  await client.uploadArtifact({ artifactUri }, 'f', BYTES)
  t.match(artifacts.asked, [{ method: 'PUT', url: `/prefix${UPLOADS}/1/r/f`, body: 'x' }])
  t.notOk(artifacts.asked[0]!.headers.authorization)
  t.equal(tracking.asked.length, 0)
})

t.test('locations that are refused', async (t) => {
  const server = await fakeServer(t, {})
  const client = clientOf(t, server.url)
  for (const artifactUri of [
    's3://bucket/1/r',
    'file:///tmp/r',
    '/tmp/mlruns/1/r',
    'gs://b',
    '',
    'mlflow-artifacts',
    'http://h/x',
  ])
    t.match(await failure(client.uploadArtifact({ artifactUri }, 'f', BYTES)), {
      code: 'INVALID_ARTIFACT_URI',
      message: /start the MLflow server with --serve-artifacts/,
    })
  for (const host of ['me:s3cret@h', 'h:x', 'h?x', 'h h'])
    t.match(
      await failure(client.uploadArtifact({ artifactUri: `mlflow-artifacts://${host}/r` }, 'f', BYTES)),
      {
        code: 'INVALID_ARTIFACT_URI',
      },
    )
  t.match(await failure(client.uploadArtifact({ artifactUri: 'mlflow-artifacts:/a/../b' }, 'f', BYTES)), {
    code: 'INVALID_ARTIFACT_PATH',
  })
  t.equal(server.asked.length, 0)
})

t.test('uploads of streams', async (t) => {
  const server = await fakeServer(t, {})
  const client = clientOf(t, server.url)
  await client.uploadArtifact(RUN, 'f', Readable.from([Buffer.from('he'), Buffer.from('llo')]), 5)
  t.match(server.asked[0], { body: 'hello', headers: { 'content-length': '5' } })
  await client.uploadArtifact(RUN, 'f', Readable.from([Buffer.from('hello')]))
  t.match(server.asked[1], { body: 'hello', headers: { 'transfer-encoding': 'chunked' } })
  await client.uploadArtifact(RUN, 'f', Buffer.alloc(0))
  t.match(server.asked[2], { body: '', headers: { 'content-length': '0' } })
})

t.test('a stream that fails, or is not of the size that was said', async (t) => {
  const server = await fakeServer(t, {})
  const client = clientOf(t, server.url)
  async function* failing() {
    yield Buffer.from('he')
    throw Object.assign(new Error('the disk is gone'), { code: 'EIO' })
  }
  const error = await failure(client.uploadArtifact(RUN, 'f', Readable.from(failing())))
  t.match(error, { code: 'MLFLOW_UPLOAD_FAILED', message: /the disk is gone/, cause: { code: 'EIO' } })
  for (const size of [4, 6])
    t.match(await failure(client.uploadArtifact(RUN, 'f', Readable.from([Buffer.from('hello')]), size)), {
      code: 'MLFLOW_UPLOAD_FAILED',
    })
})

t.test('a stream is let go when nobody takes it', async (t) => {
  const client = clientOf(t, 'http://127.0.0.1:1')
  const body = Readable.from([BYTES])
  t.match(await failure(client.uploadArtifact(RUN, 'f', body)), { code: 'MLFLOW_UNREACHABLE' })
  t.ok(body.destroyed)
  const other = Readable.from([BYTES])
  t.match(await failure(client.uploadArtifact({ artifactUri: 's3://b' }, 'f', other)), {
    code: 'INVALID_ARTIFACT_URI',
  })
  t.ok(other.destroyed)
})

t.test('a refusal that comes before all is sent', async (t) => {
  const refusing = createServer((_, response) => {
    response.writeHead(413, { connection: 'close' }).end('too large')
  }).listen(0, '127.0.0.1')
  await once(refusing, 'listening')
  t.teardown(() => {
    refusing.closeAllConnections()
    refusing.close()
  })
  const client = clientOf(t, `http://127.0.0.1:${(refusing.address() as { port: number }).port}`)
  const error = await failure(client.uploadArtifact(RUN, 'f', Buffer.alloc(20_000_000)))
  // Who is told first, the reader of the answer or the writer of the bytes, is a matter of luck.
  t.match(error.code, /^MLFLOW_(UNEXPECTED_ANSWER|UNREACHABLE)$/)
})

t.test('downloads: as many bytes as were said, and no more than were allowed', async (t) => {
  const hello = { body: 'hello', headers: { 'content-length': '5' } }
  const server = await fakeServer(t, hello)
  const client = clientOf(t, server.url)
  const { body, contentLength } = await client.downloadRunArtifact('r', 'f', { maxBytes: 5 })
  t.equal(contentLength, 5)
  t.equal(Buffer.concat(await body.toArray()).toString(), 'hello')
  t.equal((await client.downloadModelFile('m', '1', 'f', { maxBytes: 5 })).toString(), 'hello')
  for (const call of [
    client.downloadRunArtifact('r', 'f', { maxBytes: 4 }),
    client.downloadModelFile('m', '1', 'f', { maxBytes: 4 }),
  ])
    t.match(await failure(call), {
      code: 'MLFLOW_ANSWER_TOO_LARGE',
      message: /at most 4 bytes, got content-length 5/,
    })

  const chunked = await fakeServer(
    t,
    (_, response) => void (response.write('hel'), setImmediate(() => response.end('lo'))),
  )
  const other = clientOf(t, chunked.url)
  const whole = await other.downloadModelArtifact('m', '1', 'f', { maxBytes: 5 })
  t.equal(whole.contentLength, null)
  t.equal(Buffer.concat(await whole.body.toArray()).toString(), 'hello')
  const part = await other.downloadModelArtifact('m', '1', 'f', { maxBytes: 4 })
  t.match(await failure(part.body.toArray()), {
    code: 'MLFLOW_ANSWER_TOO_LARGE',
    message: /at most 4 bytes, got more/,
  })
  t.match(await failure(other.downloadModelFile('m', '1', 'f', { maxBytes: 4 })), {
    code: 'MLFLOW_ANSWER_TOO_LARGE',
  })
  t.equal(chunked.asked.length, 3, 'what is too large is not asked for again')
})

t.test('a download that ends early', async (t) => {
  for (const headers of [{ 'content-length': '1000' }, {}]) {
    const server = await fakeServer(t, (request, response) => {
      response.writeHead(200, headers)
      response.write('beginning', () => request.socket.destroy())
    })
    const client = clientOf(t, server.url)
    const { body } = await client.downloadModelArtifact('m', '1', 'f', { maxBytes: 10_000 })
    t.match(await failure(body.toArray()), { code: 'MLFLOW_TRUNCATED', status: 200 })
    t.equal(server.asked.length, 1, 'a stream is not begun again')
    t.match(await failure(client.downloadModelFile('m', '1', 'f', { maxBytes: 10_000 })), {
      code: 'MLFLOW_TRUNCATED',
    })
    t.equal(server.asked.length, 1 + FAST.retries + 1, 'a whole file is')
  }
})

t.test('lengths are compared whatever the dispatcher lets pass', async (t) => {
  const agent = new MockAgent()
  t.teardown(() => agent.close())
  const path = '/model-versions/get-artifact?name=m&version=1&path=f'
  for (const length of ['4', '6']) {
    const reply = agent.get('http://mlflow.example').intercept({ path, method: 'GET' })
    reply.reply(200, 'hello', { headers: { 'content-length': length } })
    const client = clientOf(t, 'http://mlflow.example', { dispatcher: agent, policy: { retries: 0 } })
    const error = await failure(client.downloadModelFile('m', '1', 'f', { maxBytes: 10 }))
    t.match(error, { code: 'MLFLOW_TRUNCATED', message: new RegExp(`expected ${length} bytes, got 5`) })
  }
})

t.test('a download that stops', async (t) => {
  const server = await fakeServer(t, (_, response) => void response.write('beginning'))
  const client = clientOf(t, server.url, { policy: { bodyTimeoutMs: 100, totalTimeoutMs: 300_000 } })
  const { body } = await client.downloadModelArtifact('m', '1', 'f', { maxBytes: 10_000 })
  t.match(await failure(body.toArray()), { code: 'MLFLOW_TIMEOUT', status: 200 })
})

t.test('the total time is not that of a stream', async (t) => {
  let end = (): void => {}
  const server = await fakeServer(t, (_, response) => {
    response.write('beginning')
    end = () => response.end(' and end')
  })
  const totalTimeoutMs = 1_000
  const client = clientOf(t, server.url, { policy: { totalTimeoutMs } })
  const { body } = await client.downloadModelArtifact('m', '1', 'f', { maxBytes: 10_000 })
  await delay(totalTimeoutMs)
  end()
  t.equal(Buffer.concat(await body.toArray()).toString(), 'beginning and end')
})

t.test(
  'a download that nobody reads harms nobody, and one that is let go frees its connection',
  async (t) => {
    const closed: string[] = []
    const server = await fakeServer(t, (request, response) => {
      response.on('close', () => closed.push(request.url!))
      response.write('x'.repeat(100_000))
      if (request.url!.includes('path=break')) setTimeout(() => request.socket.destroy(), 20)
    })
    const client = clientOf(t, server.url)
    const broken = await client.downloadModelArtifact('m', '1', 'break', { maxBytes: 1e6 })
    await until('it is broken', () => closed.length === 1)
    t.match(
      await failure(broken.body.toArray()),
      { code: 'MLFLOW_TRUNCATED' },
      'it is told to whoever reads it late',
    )
    const unwanted = await client.downloadModelArtifact('m', '1', 'f', { maxBytes: 1e6 })
    unwanted.body.destroy()
    await until('it is closed', () => closed.length === 2)
    const some = await client.downloadModelArtifact('m', '1', 'f', { maxBytes: 1e6 })
    for await (const _ of some.body) break
    await until('it is closed', () => closed.length === 3)
    t.pass('all were closed')
  },
)

t.test('a reader that is slow holds the server back', async (t) => {
  let sent = 0
  const server = await fakeServer(t, (_, response) => {
    const write = () => {
      while (sent < 200_000_000 && (sent += 65_536)) if (!response.write(Buffer.alloc(65_536))) return
    }
    response.on('drain', write)
    write()
  })
  const { body } = await clientOf(t, server.url).downloadModelArtifact('m', '1', 'f', { maxBytes: 1e9 })
  let before = 0
  await until('the server waits', () => {
    const isWaiting = sent > 0 && sent === before
    before = sent
    return isWaiting
  })
  t.ok(sent < 100_000_000, `${sent} bytes were sent`)
  body.destroy()
})

t.test('lists: all pages; no end is refused', async (t) => {
  const file = (path: string, file_size?: number) => ({ path, is_dir: file_size === undefined, file_size })
  const server = await fakeServer(
    t,
    { body: { files: [file('a', 1)], next_page_token: '1' } },
    { body: { files: [file('b'), file('c', 0)], next_page_token: '' } },
    { body: { root_uri: 'x' } },
    { body: { files: [], next_page_token: '1' } },
  )
  const client = clientOf(t, server.url)
  t.strictSame(await client.listRunArtifacts('r', 'x/y'), [
    { path: 'a', isFolder: false, sizeBytes: 1 },
    { path: 'b', isFolder: true, sizeBytes: null },
    { path: 'c', isFolder: false, sizeBytes: 0 },
  ])
  t.match(
    server.asked.map(({ url }) => url.split('?')[1]),
    ['run_id=r&path=x%2Fy', 'run_id=r&path=x%2Fy&page_token=1'],
  )
  t.strictSame(await client.listRunArtifacts('r'), [])
  t.match(await failure(client.listRunArtifacts('r')), { code: 'MLFLOW_UNEXPECTED_ANSWER', message: /twice/ })
})
