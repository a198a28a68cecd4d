/**
 * What is sent again and what is not, how long anything waits, and what an answer that is not MLflow's becomes.
 */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { MockAgent } from 'undici'
import {
  createMlflowClient,
  DEFAULT_POLICY,
  type MlflowClient,
  type MlflowError,
} from '../../src/mlflow/index.ts'
import { delayBeforeMs } from '../../src/mlflow/policy.ts'
import { freePort } from '../postgres-server.ts'
import { until } from '../until.ts'
import { clientOf, failure, type FakeServer, fakeServer, FAST, serverError } from './fake-server.ts'

const RUN = { run: { info: { run_id: 'r', experiment_id: '1', artifact_uri: 'mlflow-artifacts:/1/r' } } }
const SMALL = { maxBytes: 100 }

const CALLS: readonly (readonly [
  keyof MlflowClient,
  'again' | 'once',
  (client: MlflowClient) => Promise<unknown>,
])[] = [
  ['version', 'again', (client) => client.version()],
  ['health', 'again', (client) => client.health()],
  ['getExperimentByName', 'again', (client) => client.getExperimentByName('e')],
  ['createExperiment', 'once', (client) => client.createExperiment('e')],
  ['getOrCreateExperiment', 'again', (client) => client.getOrCreateExperiment('e')],
  ['createRun', 'once', (client) => client.createRun({ experimentId: '1' })],
  ['getRun', 'again', (client) => client.getRun('r')],
  ['updateRun', 'again', (client) => client.updateRun('r', { status: 'FINISHED' })],
  ['searchRuns', 'again', (client) => client.searchRuns({ experimentIds: ['1'] })],
  ['logBatch', 'again', (client) => client.logBatch('r', { tags: { a: 'b' } })],
  ['setRunTag', 'again', (client) => client.setRunTag('r', 'a', 'b')],
  ['uploadArtifact', 'again', (client) => client.uploadArtifact(AT, 'f', Buffer.from('x'))],
  ['uploadArtifact', 'once', (client) => client.uploadArtifact(AT, 'f', Readable.from([Buffer.from('x')]))],
  ['listRunArtifacts', 'again', (client) => client.listRunArtifacts('r')],
  ['downloadRunArtifact', 'again', (client) => client.downloadRunArtifact('r', 'f', SMALL)],
  ['listModelArtifacts', 'again', (client) => client.listModelArtifacts('m', '1')],
  ['downloadModelArtifact', 'again', (client) => client.downloadModelArtifact('m', '1', 'f', SMALL)],
  ['downloadModelFile', 'again', (client) => client.downloadModelFile('m', '1', 'f', SMALL)],
  ['createRegisteredModel', 'again', (client) => client.createRegisteredModel('m')],
  ['getRegisteredModel', 'again', (client) => client.getRegisteredModel('m')],
  ['createModelVersion', 'once', (client) => client.createModelVersion({ name: 'm', source: 's' })],
  ['getModelVersion', 'again', (client) => client.getModelVersion('m', '1')],
  ['searchModelVersions', 'again', (client) => client.searchModelVersions('m')],
  ['getLatestModelVersion', 'again', (client) => client.getLatestModelVersion('m')],
  ['setModelVersionTag', 'again', (client) => client.setModelVersionTag('m', '1', 'a', 'b')],
  ['getAlias', 'again', (client) => client.getAlias('m', 'a')],
  ['pollAlias', 'again', (client) => client.pollAlias('m', 'a')],
  ['setAlias', 'again', (client) => client.setAlias('m', 'a', '1')],
  ['deleteAlias', 'again', (client) => client.deleteAlias('m', 'a')],
  ['resolveModel', 'again', (client) => client.resolveModel('models:/m/1')],
]
const AT = { artifactUri: 'mlflow-artifacts:/1/r' }

t.test('what is safe to repeat is repeated, and nothing else', async (t) => {
  const client = clientOf(t, 'http://127.0.0.1')
  const missing = Object.keys(client).filter(
    (name) => name !== 'close' && !CALLS.some(([call]) => call === name),
  )
  t.strictSame(missing, [], 'the table has every call')
  for (const [name, expected, call] of CALLS) {
    const server = await fakeServer(t, { status: 503, body: serverError('TEMPORARILY_UNAVAILABLE', 'later') })
    const error = await failure(call(clientOf(t, server.url)))
    t.match(error, { code: 'TEMPORARILY_UNAVAILABLE', status: 503, name: 'MlflowError' }, name)
    t.equal(server.asked.length, expected === 'again' ? FAST.retries + 1 : 1, `${name} is asked ${expected}`)
  }
})

t.test('the same bytes are sent each time', async (t) => {
  const server = await fakeServer(t, { status: 502, body: '<html>' }, { status: 429 }, {})
  await clientOf(t, server.url).logBatch('r', { metrics: [{ key: 'm', value: 1 }] })
  t.equal(server.asked.length, 3)
  t.equal(new Set(server.asked.map(({ body }) => body)).size, 1)
})

t.test('statuses: those of the policy pass, others do not', async (t) => {
  for (const status of [...DEFAULT_POLICY.retryStatuses, 400, 401, 403, 404, 409, 413, 501]) {
    const server = await fakeServer(t, { status, body: '<h1>no</h1>' }, { body: RUN })
    const passes = DEFAULT_POLICY.retryStatuses.includes(status)
    const outcome = await clientOf(t, server.url)
      .getRun('r')
      .then(
        () => true,
        (error: MlflowError) => error,
      )
    t.match(outcome, passes ? true : { code: 'MLFLOW_UNEXPECTED_ANSWER', status }, String(status))
  }
})

t.test('a 500 for a file is an answer: MLflow 2 gives it for a missing one', async (t) => {
  const server = await fakeServer(t, { status: 500, body: '<h1>Internal Server Error</h1>' })
  const error = await failure(clientOf(t, server.url).downloadModelFile('m', '1', 'f', SMALL))
  t.match(error, { code: 'MLFLOW_UNEXPECTED_ANSWER', status: 500 })
  t.equal(server.asked.length, 1)
})

t.test('pauses grow, up to the greatest', async (t) => {
  const policy = { ...DEFAULT_POLICY, firstDelayMs: 40, greatestDelayMs: 100, jitter: 0 }
  t.same(
    [0, 1, 2, 3].map((repetition) => delayBeforeMs(policy, repetition, null)),
    [40, 80, 100, 100],
  )
  const server = await fakeServer(t, { status: 503 })
  await failure(clientOf(t, server.url, { policy: { ...policy, retries: 4 } }).getRun('r'))
  const pauses = server.asked.slice(1).map(({ atMs }, at) => atMs - server.asked[at]!.atMs)
  for (const [at, atLeast] of [40, 80, 100, 100].entries())
    t.ok(pauses[at]! >= atLeast - 2, `pause ${at} of ${pauses[at]} ms is at least ${atLeast} ms`)
})

t.test('Retry-After is kept to, up to the greatest pause', async (t) => {
  const inMs = (ms: number) => new Date(Date.now() + ms).toUTCString()
  const pauseMs = (header: string, greatestDelayMs: number) =>
    delayBeforeMs({ ...DEFAULT_POLICY, firstDelayMs: 1, jitter: 0, greatestDelayMs }, 0, header)
  t.equal(pauseMs('1', 5_000), 1_000)
  t.equal(pauseMs('3600', 200), 200)
  t.equal(pauseMs(inMs(3_600_000), 200), 200)
  t.ok(pauseMs(inMs(-5_000), 200) <= 1)
  t.equal(pauseMs('soon', 200), 1)

  const server = await fakeServer(t, { status: 429, headers: { 'retry-after': '3600' } }, { body: RUN })
  await clientOf(t, server.url, { policy: { greatestDelayMs: 200 } }).getRun('r')
  t.ok(server.asked[1]!.atMs - server.asked[0]!.atMs >= 198)
})

t.test('nobody there', async (t) => {
  const url = `http://127.0.0.1:${await freePort()}`
  const error = await failure(clientOf(t, url).getRun('r'))
  t.match(error, { code: 'MLFLOW_UNREACHABLE', status: null, cause: { code: 'ECONNREFUSED' } })
  t.match(error.message, /MLflow GET http:.*\/runs\/get\?run_id=r: expected an answer, got .*ECONNREFUSED/)
})

t.test('it comes back while we try', async (t) => {
  const server = await fakeServer(t, (request) => request.socket.destroy(), { body: RUN })
  t.equal((await clientOf(t, server.url).getRun('r')).runId, 'r')
  t.equal(server.asked.length, 2)
})

t.test('a connection that breaks is not tried again for what is made anew', async (t) => {
  const server = await fakeServer(t, (request) => request.socket.destroy(), { body: RUN })
  t.match(await failure(clientOf(t, server.url).createRun({ experimentId: '1' })), {
    code: 'MLFLOW_UNREACHABLE',
  })
  t.equal(server.asked.length, 1)
})

t.test('it hangs before the headers', async (t) => {
  const server = await fakeServer(t, () => {})
  const policy = { headersTimeoutMs: 100, retries: 1 }
  const error = await failure(clientOf(t, server.url, { policy }).getRun('r'))
  t.match(error, { code: 'MLFLOW_TIMEOUT', cause: { code: 'UND_ERR_HEADERS_TIMEOUT' } })
  await until('two requests', () => server.asked.length === 2)
})

t.test('it hangs in the body', async (t) => {
  const server = await fakeServer(t, (_, response) => void response.write('{"run":'))
  const policy = { bodyTimeoutMs: 100, retries: 1 }
  const error = await failure(clientOf(t, server.url, { policy }).getRun('r'))
  t.match(error, { code: 'MLFLOW_TIMEOUT', status: 200, cause: { code: 'UND_ERR_BODY_TIMEOUT' } })
  t.equal(server.asked.length, 2)
})

t.test('it drips: no pause is too long, the whole is', async (t) => {
  const server = await fakeServer(t, (_, response) => {
    const timer = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(timer))
  })
  const policy = { bodyTimeoutMs: 60_000, totalTimeoutMs: 300 }
  const error = await failure(clientOf(t, server.url, { policy }).getRun('r'))
  t.match(error, { code: 'MLFLOW_TIMEOUT', message: /within 300 ms/ })
  const once = clientOf(t, server.url, { policy }).createRun({ experimentId: '1' })
  t.match(await failure(once), { code: 'MLFLOW_TIMEOUT', message: /within 300 ms/ })
})

t.test('repetitions and pauses end with the total time too', async (t) => {
  const server = await fakeServer(t, { status: 503, headers: { 'retry-after': '60' } })
  const policy = { greatestDelayMs: 60_000, totalTimeoutMs: 200 }
  t.match(await failure(clientOf(t, server.url, { policy }).getRun('r')), { code: 'MLFLOW_TIMEOUT' })
  t.equal(server.asked.length, 1)
})

t.test('it takes connections and says nothing', async (t) => {
  const url = await rawServer(t, () => {})
  const policy = { headersTimeoutMs: 100, retries: 0 }
  t.match(await failure(clientOf(t, url, { policy }).createRun({ experimentId: '1' })), {
    code: 'MLFLOW_TIMEOUT',
  })
})

t.test('a signal ends a call, its pauses and its body, with its own reason', async (t) => {
  const reason = new Error('enough')
  /** Calls, and stops the call once the server has been asked. */
  const stopped = async (server: FakeServer, call: (signal: AbortSignal) => Promise<unknown>) => {
    const stop = new AbortController()
    const before = server.asked.length
    const failed = failure(call(stop.signal))
    await until('the server is asked', () => server.asked.length > before)
    stop.abort(reason)
    return failed
  }
  const hanging = await fakeServer(t, () => {})
  const client = clientOf(t, hanging.url)
  t.equal(await stopped(hanging, (signal) => client.logBatch('r', { tags: { a: 'b' } }, signal)), reason)
  const never = await stopped(hanging, (signal) =>
    client.createModelVersion({ name: 'm', source: 's', signal }),
  )
  t.equal(never, reason, 'of a call that is not repeated too')
  const busy = await fakeServer(t, { status: 503 })
  const slowly = clientOf(t, busy.url, { policy: { firstDelayMs: 600_000, greatestDelayMs: 600_000 } })
  t.equal(await stopped(busy, (signal) => slowly.searchRuns({ experimentIds: [], signal })), reason)
  const dripping = await fakeServer(t, (_, response) => void response.write('beginning'))
  const reader = clientOf(t, dripping.url)
  const stop = new AbortController()
  const { body } = await reader.downloadModelArtifact('m', '1', 'f', { maxBytes: 100, signal: stop.signal })
  stop.abort(reason)
  t.equal(await failure(body.toArray()), reason)
  t.equal(
    await stopped(dripping, (signal) => reader.downloadModelFile('m', '1', 'f', { maxBytes: 100, signal })),
    reason,
  )
  t.equal(dripping.asked.length, 2, 'an aborted call is not repeated')
})

t.test('not MLflow', async (t) => {
  const cases: [string, Parameters<typeof fakeServer>[1], RegExp][] = [
    [
      'a page to log in',
      { body: '<html><body>Log in</body></html>' },
      /expected JSON, got 200 \(text\/html\): <html>/,
    ],
    ['half a JSON', { body: '{"run": {' }, /expected JSON/],
    ['an empty answer', { body: '' }, /expected JSON/],
    ['a list', { body: [] }, /expected the answer to be an object, got \[\]/],
    [
      'another shape',
      { body: { run: { info: {} } } },
      /expected run.info.run_id to be a text, got undefined/,
    ],
    [
      'another type',
      { body: { run: { info: { run_id: 7 } } } },
      /expected run.info.run_id to be a text, got 7/,
    ],
    ['a list in place of an object', { body: { run: [] } }, /expected run to be an object/],
    [
      'a 404 of something else',
      { status: 404, body: '<h1>Not Found</h1>' },
      /expected success, got 404: <h1>Not Found/,
    ],
    [
      'a JSON of something else',
      { status: 404, body: { detail: 'Not Found' } },
      /got 404: {"detail":"Not Found"}/,
    ],
    ['an error that is no object', { status: 400, body: 'null' }, /got 400: null/],
    [
      'a redirect',
      { status: 302, headers: { location: 'https://sso.example/?to=x' } },
      /got 302: a redirect to https:\/\/sso/,
    ],
    ['a 304 that nobody asked for', { status: 304 }, /expected JSON/],
  ]
  for (const [name, reply, message] of cases) {
    const server = await fakeServer(t, reply!)
    const error = await failure(clientOf(t, server.url).getRun('r'))
    t.match(error, { code: 'MLFLOW_UNEXPECTED_ANSWER', message }, name)
    t.match(error.message, /^MLflow GET http:\/\/127\.0\.0\.1:\d+\/api\/2\.0\/mlflow\/runs\/get\?run_id=r: /)
    t.equal(server.asked.length, 1, 'it is not asked again')
  }
})

t.test('not even HTTP', async (t) => {
  const url = await rawServer(t, (socket) => void socket.end('SSH-2.0-OpenSSH_9.9\r\n'))
  t.match(await failure(clientOf(t, url).getRun('r')), {
    code: 'MLFLOW_UNEXPECTED_ANSWER',
    cause: { name: 'HTTPParserError' },
  })
})

t.test('version and health: the text of something else is refused', async (t) => {
  const server = await fakeServer(t, { body: '<html>Welcome</html>' })
  const client = clientOf(t, server.url)
  t.match(await failure(client.version()), { code: 'MLFLOW_UNEXPECTED_ANSWER', message: /MLflow's version/ })
  t.match(await failure(client.health()), { code: 'MLFLOW_UNEXPECTED_ANSWER', message: /MLflow's health/ })
})

t.test('an answer that is too large is not read', async (t) => {
  const policy = { maxResponseBytes: 1_000 }
  const announced = await fakeServer(t, (_, response) => {
    response.writeHead(200, { 'content-length': '1000000000' })
    response.write('{')
  })
  const told = await failure(clientOf(t, announced.url, { policy }).getRun('r'))
  t.match(told, {
    code: 'MLFLOW_ANSWER_TOO_LARGE',
    message: /at most 1000 bytes, got content-length 1000000000/,
  })
  t.equal(announced.asked.length, 1)

  let sent = 0
  const endless = await fakeServer(t, (_, response) => {
    const write = () => {
      while (!response.destroyed && (sent += 1_000)) if (!response.write(' '.repeat(1_000))) return
    }
    response.on('drain', write)
    write()
  })
  t.match(await failure(clientOf(t, endless.url, { policy }).getRun('r')), {
    code: 'MLFLOW_ANSWER_TOO_LARGE',
  })
  t.ok(sent < 50_000_000, `${sent} bytes were sent`)
})

t.test('a huge page of an error is cut', async (t) => {
  const server = await fakeServer(t, { status: 400, body: 'x'.repeat(10_000_000) })
  const error = await failure(clientOf(t, server.url).getRun('r'))
  t.ok(error.message.length < 1_000, `${error.message.length} characters`)
})

t.test('an answer that ends early', async (t) => {
  const server = await fakeServer(
    t,
    (request, response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('{"run":', () => request.socket.destroy())
    },
    { body: RUN },
  )
  t.equal((await clientOf(t, server.url).getRun('r')).runId, 'r', 'is asked for again')
  const always = await fakeServer(t, (request, response) => {
    response.write('{"run":', () => request.socket.destroy()) // chunked
  })
  t.match(await failure(clientOf(t, always.url).getRun('r')), { code: 'MLFLOW_TRUNCATED', status: 200 })
  t.equal(always.asked.length, FAST.retries + 1)
})

t.test('a closed client', async (t) => {
  const server = await fakeServer(t, () => {})
  const client = createMlflowClient({ trackingUri: server.url })
  const pending = failure(client.getRun('r'))
  while (server.asked.length === 0) await new Promise(setImmediate)
  await client.close()
  t.match(await pending, { code: 'MLFLOW_CLOSED' })
  t.match(await failure(client.getRun('r')), { code: 'MLFLOW_CLOSED' })
  await client.close()
})

t.test('an injected dispatcher is used and left open', async (t) => {
  const agent = new MockAgent({ connections: 1 })
  agent.disableNetConnect()
  t.teardown(() => agent.close())
  const pool = agent.get('http://mlflow.example')
  const path = '/prefix/api/2.0/mlflow/runs/get?run_id=r'
  pool.intercept({ path, method: 'GET' }).reply(200, RUN).times(2)
  for (const _ of [1, 2]) {
    const client = createMlflowClient({ trackingUri: 'http://mlflow.example/prefix/', dispatcher: agent })
    t.equal((await client.getRun('r')).runId, 'r')
    await client.close()
  }
  agent.assertNoPendingInterceptors()
})

t.test('no listener stays on a signal that many calls share', async (t) => {
  const warnings: Error[] = []
  const onWarning = (warning: Error) => void warnings.push(warning)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  const server = await fakeServer(t, {})
  const client = clientOf(t, server.url)
  const { signal } = new AbortController()
  for (let at = 0; at < 50; at++) await client.logBatch('r', { tags: { a: 'b' } }, signal)
  await new Promise(setImmediate)
  t.strictSame(warnings, [])
})

async function rawServer(t: Test, onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`
}
