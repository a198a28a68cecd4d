/**
 * `POST /batch_predict` as a stream, over real connections: answers flow while rows arrive, and no more is held than a slice.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import { loadBundle } from '../../../src/bundle/index.ts'
import type { AppContext } from '../../../src/http/index.ts'
import { LogFullError } from '../../../src/prediction-log/index.ts'
import { EXAMPLE, EXAMPLE_ROW } from '../../example.ts'
import { appWith, bundleLike, heldUp, logIn, logWith, rolloutOf, send } from '../app.ts'
import { until } from '../../until.ts'
import { answersTo, NDJSON, openStream } from './client.ts'

const bundle = await loadBundle('artifacts/champion')
const ROW = JSON.stringify(EXAMPLE)
const HEADER = Object.keys(EXAMPLE).join()
const CELLS = Object.values(EXAMPLE).join()
/** More than the buffers of two sockets and of the system hold: their answers are a megabyte and more. */
const ROWS = 10_000
const LIMITS = { lineBytes: 65_536, idleMs: 10_000, spoolBytes: Infinity }

/** The app on a port of its own. */
async function listening(t: Test, context: Partial<AppContext> = {}) {
  const { app, logged } = await appWith({ rollout: rolloutOf(bundle), ...context })
  const sockets: Socket[] = []
  app.server.on('connection', (socket) => void sockets.push(socket))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => {
    app.server.closeAllConnections()
    return app.close()
  })
  return { app, url, logged, sockets }
}

t.test('an answer a line, each in its place, and a summary', async (t) => {
  const { app, url, logged } = await listening(t)
  const { body: alone } = await send(app, { method: 'POST', url: '/predict', payload: EXAMPLE })
  logged.splice(0)
  const rows = [ROW, '', '{"country": 1', JSON.stringify({ ...EXAMPLE, event_1: '1,5' }), '[]', ROW]
  const { statusCode, lines } = await answersTo(url, rows.join('\n'))
  t.equal(statusCode, 200)
  t.match(lines, [
    { line: 1, predicted_revenue: alone.predicted_revenue, prediction_id: logged[0]!.predictionId },
    { line: 3, error: /^line: expected JSON: / },
    { line: 4, error: 'event_1: expected a decimal number, got "1,5"' },
    { line: 5, error: 'line: expected object, got array []' },
    { line: 6, predicted_revenue: alone.predicted_revenue, prediction_id: logged[1]!.predictionId },
    {
      summary: {
        lines: 5,
        predictions: 2,
        errors: 3,
        model: { name: bundle.manifest.name, version: bundle.manifest.version, variant: 'champion' },
      },
    },
  ])
  t.equal(lines.length, 6)
  t.same(Object.keys(lines[0]), ['line', 'predicted_revenue', 'prediction_id'])
  t.equal(logged.length, 2)
})

t.test('CSV in', async (t) => {
  const { url, logged } = await listening(t)
  const { lines } = await answersTo(url, [HEADER, CELLS, 'es', CELLS].join('\r\n'), 'text/csv; charset=UTF-8')
  t.match(lines, [
    { line: 2, predicted_revenue: Number(bundle.predict(EXAMPLE_ROW).revenue.toFixed(6)) },
    { line: 3, error: 'line: expected 9 cells as in the header, got 1' },
    { line: 4 },
    { summary: { lines: 3, predictions: 2, errors: 1 } },
  ])
  t.same(logged[0]!.install, EXAMPLE)
})

t.test('what is wrong before the first answer has a status', async (t) => {
  const { url, app } = await listening(t)
  const wrong: [string, string, number, string | RegExp, Record<string, string>?][] = [
    ['', NDJSON, 400, 'body: expected at least one line, got nothing'],
    ['\n \n', NDJSON, 400, 'body: expected at least one line, got nothing'],
    [CELLS, 'text/csv', 400, /^header: expected the columns .*; missing: /],
    [HEADER, 'text/csv', 400, 'body: expected at least one line, got nothing'],
    ['', 'text/csv', 400, 'header: expected the names of the columns, got nothing'],
    [ROW, `${NDJSON}; charset=latin1`, 415, 'charset: expected utf-8, got latin1'],
    [ROW, NDJSON, 415, 'content-encoding: expected none, got gzip', { 'content-encoding': 'gzip' }],
    [
      ROW,
      'application/xml',
      415,
      /^content-type: expected application\/json or application\/x-ndjson or text\/csv, got application\/xml$/,
    ],
  ]
  for (const [body, contentType, status, message, headers] of wrong) {
    const { statusCode, lines } = await answersTo(url, body, contentType, headers)
    t.equal(statusCode, status)
    t.match(lines, [{ statusCode: status, message }])
  }
  for (const path of ['/predict', '/outcomes'])
    t.match(
      await send(app, { method: 'POST', url: path, payload: ROW, headers: { 'content-type': NDJSON } }),
      { status: 415 },
      'a route that takes no stream',
    )
  const none = await listening(t, { rollout: { current: () => null } })
  t.match(await answersTo(none.url, ROW), { statusCode: 503, lines: [{ code: 'MODEL_UNAVAILABLE' }] })
})

t.test('answers flow while rows arrive', async (t) => {
  const { url } = await listening(t)
  const stream = openStream(url)
  for (let line = 1; line <= 5; line++) {
    stream.send(`${ROW}\n${ROW.slice(0, 7)}`)
    t.match(await stream.next(), { line })
    stream.send(ROW.slice(7) + '\n')
    t.match(await stream.next(), { line: ++line })
  }
  stream.request.end()
  t.match(await stream.rest(), [{ summary: { lines: 6 } }])
})

t.test(
  'many rows: each answered once, logged before it is answered, and others are answered meanwhile',
  async (t) => {
    let kept = 0
    let mostTogether = 0
    const { url } = await listening(t, {
      predictionLog: logWith({
        async append(records) {
          await delay(0)
          kept += records.length
          mostTogether = Math.max(mostTogether, records.length)
        },
      }),
    })
    const stream = openStream(url)
    const rows = `${ROW}\n`.repeat(500)
    const sending = (async () => {
      for (let i = 0; i < ROWS / 500; i++)
        if (!stream.request.write(rows)) await once(stream.request, 'drain')
      stream.request.end()
    })()
    let answered = 0
    let singles = 0
    const over = new AbortController()
    const single = async () => {
      const options = { method: 'POST', body: ROW, headers: { 'content-type': 'application/json' } }
      for (; !over.signal.aborted; singles++) t.equal((await fetch(`${url}/predict`, options)).status, 200)
    }
    const singly = single()
    for (let line; !(line = await stream.next()).summary;) {
      if (line.line !== ++answered) t.fail(`expected line ${answered}, got ${line.line}`)
      if (kept < answered) t.fail('an answer before its record')
    }
    over.abort()
    await Promise.all([sending, singly])
    t.equal(answered, ROWS)
    t.equal(kept, ROWS + singles)
    t.ok(singles > 10, `${singles} single predictions meanwhile`)
    t.ok(mostTogether <= 100, 'a slice at a time')
  },
)

t.test('a line of 64 MB is answered with an error, and is not held', async (t) => {
  const { url } = await listening(t)
  const part = Buffer.alloc(2 ** 20, 'x')
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const heldBytes = () => {
    collect()
    const { arrayBuffers, heapUsed } = process.memoryUsage()
    return arrayBuffers + heapUsed
  }
  let mostBytes = 0
  function* body() {
    yield `${ROW}\n{"country": "`
    for (let i = 0; i < 64; i++) {
      if (i % 16 === 15) mostBytes = Math.max(mostBytes, heldBytes())
      yield part
    }
    yield `"}\n${ROW}\n`
  }
  const before = heldBytes()
  const { lines } = await answersTo(url, body())
  t.match(lines, [
    { line: 1, prediction_id: String },
    { line: 2, error: 'line: expected a row of at most 65536 bytes, got more' },
    { line: 3, prediction_id: String },
    { summary: { lines: 3 } },
  ])
  t.ok(mostBytes - before < 2 ** 25, `${Math.round((mostBytes - before) / 2 ** 20)} MB more`)
})

/** As if nothing had come or gone over its connections for as long as is waited. */
const passIdleTime = (sockets: readonly Socket[]): void => {
  for (const socket of sockets) socket.emit('timeout')
}

t.test('a client that does not take its answers is not read from, and is cut off in the end', async (t) => {
  const { url, logged, app, sockets } = await listening(t)
  const stream = openStream(url)
  const rows = `${ROW}\n`.repeat(1000)
  let sent = 0
  // Some 20 MB of answers would be more than the buffers of the system hold.
  for (; sent < 200_000; sent += 1000) {
    await until(
      'rows or answers are stuck',
      () => !stream.request.writableNeedDrain || sockets[0]?.writableNeedDrain,
    )
    if (stream.request.writableNeedDrain) break
    stream.request.write(rows)
  }
  t.ok(sent < 200_000, `after ${sent} rows`)
  t.notOk(sockets[0]!.destroyed)
  await until('it is cut off', () => {
    passIdleTime(sockets)
    return sockets[0]!.destroyed && stream.request.closed
  })
  const kept = logged.length
  t.ok(kept > 0 && kept < sent)
  t.match(await answersTo(url, ROW), { statusCode: 200 })
  t.equal(logged.length, kept + 1, 'nothing is predicted for it any more')
  await app.close()
})

t.test('a client that sends nothing any more is told so, and the connection is closed', async (t) => {
  const { url, app, sockets } = await listening(t)
  const idle = 'expected a line within 10000 ms, got none'
  const stream = openStream(url)
  stream.send(`${ROW}\n{"country`)
  t.match(await stream.next(), { line: 1 })
  passIdleTime(sockets)
  t.match(await stream.rest(), [{ failure: { statusCode: 408, code: 'STREAM_IDLE', message: idle } }])
  if (!stream.request.destroyed) await once(stream.request, 'close')
  t.match(await answersTo(url, ROW), { statusCode: 200 }, 'others are not concerned')

  const begun = once(app.server, 'request')
  const silent = openStream(url)
  await begun
  await send(app, '/health/live') // by then the route waits for the first line
  passIdleTime(sockets)
  t.equal((await silent.response).statusCode, 408)
  t.match(await silent.rest(), [{ code: 'STREAM_IDLE' }])
})

t.test('a client that goes away: what was answered is logged, and nothing hangs', async (t) => {
  const { url, logged, sockets } = await listening(t)
  const stream = openStream(url)
  stream.send(`${ROW}\n${ROW}\n`)
  t.match(await stream.next(), { line: 1 })
  t.match(await stream.next(), { line: 2 })
  stream.send(ROW.slice(0, 20))
  stream.request.destroy()
  await until('the connection is closed', () => sockets[0]!.closed)
  t.equal(logged.length, 2)
  t.match(await answersTo(url, ROW), { statusCode: 200 })
})

t.test('a change of models does not split a stream', async (t) => {
  const rollout = rolloutOf(bundle)
  const { url, logged } = await listening(t, { rollout })
  const stream = openStream(url)
  stream.send(`${ROW}\n`)
  await stream.next()
  rollout.place('champion', bundleLike(bundle, 'newer'), 'elsewhere')
  stream.send(`${ROW}\n`)
  t.match(await stream.next(), { line: 2, model: undefined })
  stream.request.end()
  t.match(await stream.rest(), [{ summary: { model: { version: bundle.manifest.version } } }])
  t.same(logged.map(({ modelVersion }) => modelVersion), [bundle.manifest.version, bundle.manifest.version]) // prettier-ignore
  t.match((await answersTo(url, ROW)).lines, [{}, { summary: { model: { version: 'newer' } } }])
})

t.test(
  'champion and challenger: a user is answered by his arm, and the shadow is offered the rest',
  async (t) => {
    const challenger = bundleLike(bundle, 'new', () => ({
      revenue: 7,
      rawScore: 1,
      interval: { p10: 1, p90: 2 },
    }))
    const offered: unknown[] = []
    const rollout = rolloutOf(bundle, challenger, { challengerShare: 0.5, shadow: true })
    const shadow = {
      offer: (_: unknown, records: readonly unknown[]) => void offered.push(...records),
      miss() {},
    }
    const { url } = await listening(t, { rollout, shadow })
    const users = Array.from({ length: 40 }, (_, i) => `player ${i}`)
    const { lines } = await answersTo(url, users.map((user_id) => JSON.stringify({ ...EXAMPLE, user_id })).join('\n')) // prettier-ignore
    users.forEach((user, at) => {
      const isChallenger = rollout.current()!.assign(user).variant === 'challenger'
      const model = { name: bundle.manifest.name, version: 'new', variant: 'challenger' }
      if (isChallenger) t.match(lines[at], { predicted_revenue: 7, interval: { p10: 1, p90: 2 }, model })
      else t.notOk('model' in lines[at])
    })
    t.equal(offered.length, lines.filter((line) => line.line && !line.model).length)
  },
)

t.test('answers leave when their predictions are safe in the log', async (t) => {
  const log = heldUp()
  const { url } = await listening(t, { predictionLog: logWith({ append: log.hold }) })
  const stream = openStream(url)
  const order: string[] = []
  const answered = stream.next().then(() => order.push('answered'))
  stream.send(`${ROW}\n`)
  await log.called
  await fetch(`${url}/health/live`)
  order.push('safe')
  log.release()
  await answered
  t.same(order, ['safe', 'answered'])
  stream.request.end()
  await stream.rest()
})

t.test('a log that is full: a status before the first answer, and later the last line', async (t) => {
  let isFull = true
  const { url } = await listening(t, {
    predictionLog: logWith({
      async append() {
        if (isFull) throw new LogFullError('the prediction cannot be logged, so it is not answered: ENOSPC')
      },
    }),
  })
  t.match(await answersTo(url, ROW), { statusCode: 503, lines: [{ code: 'PREDICTION_LOG_FULL' }] })
  isFull = false
  const stream = openStream(url)
  stream.send(`${ROW}\n`)
  t.match(await stream.next(), { line: 1 })
  isFull = true
  stream.send(`${ROW}\n`)
  t.match(await stream.rest(), [{ failure: { statusCode: 503, code: 'PREDICTION_LOG_FULL' } }])
})

t.test('a fault of ours shows nothing', async (t) => {
  let isBroken = false
  const { url } = await listening(t, {
    predictionLog: logWith({
      async append() {
        if (isBroken) throw new Error('secret')
      },
    }),
  })
  const stream = openStream(url)
  stream.send(`${ROW}\n`)
  await stream.next()
  isBroken = true
  stream.send(`${ROW}\n`)
  const [last] = await stream.rest()
  t.match(last, { failure: { statusCode: 500, code: 'INTERNAL' } })
  t.notMatch(JSON.stringify(last), /secret/)
})

t.test('a model that has no finite answer for a line', async (t) => {
  const broken = bundleLike(bundle, 'x', () => {
    throw new RangeError('model x answered Infinity')
  })
  const { url } = await listening(t, { rollout: rolloutOf(broken) })
  t.match((await answersTo(url, ROW)).lines, [
    { line: 1, error: 'the model has no finite answer for this line' },
    { summary: { predictions: 0, errors: 1 } },
  ])
})

t.test('a stream waits for the database while its share of the spool is full', async (t) => {
  let bytes = 2000
  let looks = 0
  const status = () => {
    looks++
    return logIn({
      spool: {
        bytes,
        segments: 1,
        oldestMs: null,
        error: null,
        stranded: { segments: 0, bytes: 0, error: null },
      },
    }).status()
  }
  const streams = { ...LIMITS, idleMs: 3_600_000, spoolBytes: 1000 }
  const { url } = await listening(t, { predictionLog: { ...logIn({}), status }, streams })
  const stream = openStream(url)
  stream.request.end(`${ROW}\n`)
  let isAnswered = false
  void stream.response.then(() => (isAnswered = true))
  await until('it has looked again', () => looks >= 3)
  t.notOk(isAnswered)
  bytes = 500
  t.equal((await stream.response).statusCode, 200)
})

t.test('but not for ever', async (t) => {
  const spool = {
    bytes: 2000,
    segments: 1,
    oldestMs: null,
    error: null,
    stranded: { segments: 0, bytes: 0, error: null },
  }
  const streams = { ...LIMITS, idleMs: 100, spoolBytes: 1000 }
  const { url } = await listening(t, { predictionLog: logIn({ spool }), streams })
  t.match(await answersTo(url, ROW), { statusCode: 503, lines: [{ code: 'PREDICTION_LOG_FULL' }] })
})

t.test('a service that stops ends its streams after what it has answered', async (t) => {
  const { app, url, logged } = await listening(t)
  const stream = openStream(url)
  stream.send(`${ROW}\n`)
  await stream.next()
  const closed = app.close()
  t.match(await stream.rest(), [{ failure: { statusCode: 503, code: 'STOPPING' } }])
  await closed
  t.equal(logged.length, 1)
})
