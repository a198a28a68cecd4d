/**
 * Bodies made to hurt, sent to a process of its own: as large as a disk, as deep as a well, with keys of JavaScript's own and bytes that
 * are no text. Each is refused with an answer that its sender gets to see, and the memory of the process stays as it was.
 */
import { existsSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import t, { type Test } from 'tap'
import { EXAMPLE } from '../example.ts'
import { startService } from '../service.ts'

const MIB = 2 ** 20
const BODY_LIMIT_BYTES = MIB
const service = await startService(t, {
  DATABASE_URL: 'off',
  BODY_LIMIT_BYTES: String(BODY_LIMIT_BYTES),
  SHED_EVENT_LOOP_DELAY_MS: '0',
})
const JSON_TYPE = { 'content-type': 'application/json' }

interface Sent {
  readonly status: number
  readonly body: string
  readonly connection: string | undefined
  readonly bytes: number
}

/** Sends `bytes` of the letter a, as fast as they are taken, until there is an answer. */
function pour(bytes: number, headers: Readonly<Record<string, string>>): Promise<Sent> {
  const piece = Buffer.alloc(64 * 1024, 'a')
  return new Promise((resolve, reject) => {
    const so = { bytes: 0, answered: false }
    const outgoing = request(`${service.url}/predict`, { method: 'POST', headers }, (response) => {
      so.answered = true
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response
        resolve({ status, body, connection: headers.connection, bytes: so.bytes })
        outgoing.destroy()
      })
    })
    outgoing.on('error', (error) => so.answered || reject(error))
    const pump = (): void => {
      while (so.bytes < bytes && !so.answered && !outgoing.destroyed) {
        so.bytes += piece.length
        if (!outgoing.write(piece)) return void outgoing.once('drain', pump)
      }
    }
    outgoing.flushHeaders()
    pump()
  })
}

async function post(body: string | Buffer, path = '/predict') {
  const response = await fetch(service.url + path, { method: 'POST', headers: JSON_TYPE, body })
  return { status: response.status, body: (await response.json()) as any }
}

/** Of the process, in MiB; null where it cannot be read. */
function memoryMib(): number | null {
  const path = `/proc/${service.process.pid}/status`
  if (!existsSync(path)) return null
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(path, 'utf8'))![1]) / 1024
}

/** Garbage that is not collected yet. */
const TOLERATED_MIB = 100

async function memoryStays(t: Test, attack: () => Promise<void>): Promise<void> {
  const before = memoryMib()
  await attack()
  const after = memoryMib()
  if (before === null || after === null) return void t.comment('no /proc to read the memory from')
  t.ok(after - before < TOLERATED_MIB, `memory: ${before.toFixed()} MiB, then ${after.toFixed()} MiB`)
}

t.test('a gigabyte that is announced is refused without being read', async (t) => {
  await memoryStays(t, async () => {
    const large = { ...JSON_TYPE, 'content-length': String(1024 * MIB) }
    for (const { status, body, connection, bytes } of await Promise.all([
      pour(1024 * MIB, large),
      pour(1024 * MIB, large),
    ])) {
      t.equal(status, 413)
      t.match(JSON.parse(body), {
        statusCode: 413,
        code: 'FST_ERR_CTP_BODY_TOO_LARGE',
        error: 'Payload Too Large',
      })
      t.equal(connection, 'close')
      t.ok(bytes < 64 * MIB, `${bytes} bytes were sent`)
    }
  })
})

t.test('a client that asks first is not told to send what nobody will read', async (t) => {
  const ask = (length: number) =>
    new Promise<string>((resolve, reject) => {
      const headers = { ...JSON_TYPE, expect: '100-continue', 'content-length': String(length) }
      const outgoing = request(`${service.url}/predict`, { method: 'POST', headers }, (response) => {
        resolve(`${response.statusCode} ${response.headers.connection}`)
        response.resume()
        outgoing.destroy()
      })
      outgoing.on('continue', () => (resolve('continue'), outgoing.destroy()))
      outgoing.on('error', reject)
      outgoing.flushHeaders()
    })
  t.equal(await ask(100), 'continue')
  t.equal(await ask(1024 * MIB), '413 close')
})

t.test('a gigabyte in chunks is cut at the limit', async (t) => {
  await memoryStays(t, async () => {
    const { status, connection, bytes } = await pour(1024 * MIB, JSON_TYPE)
    t.same({ status, connection }, { status: 413, connection: 'close' })
    t.ok(bytes < 64 * MIB, `${bytes} bytes were sent`)
  })
})

t.test('a head of ten megabytes', async (t) => {
  await memoryStays(t, async () => {
    const { status, body } = await pour(0, { ...JSON_TYPE, 'x-a': 'b'.repeat(10 * MIB) })
    t.equal(status, 431)
    t.match(JSON.parse(body), { code: 'HEAD_TOO_LARGE', message: /MAX_HEADER_BYTES/ })
  })
  const { status } = await pour(0, { 'x-a': 'b'.repeat(17_000) })
  t.equal(status, 431, 'and one that is a little too large')
  const long = await fetch(`${service.url}/${'a'.repeat(20_000)}`)
  t.equal(long.status, 431, 'a path is part of it')
})

t.test('JSON that is 100,000 deep', async (t) => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000)
  const nested = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
  const example = JSON.stringify(EXAMPLE)
  for (const body of [deep, nested]) t.match(await post(body), { status: 400, body: { statusCode: 400 } })
  for (const value of [deep, nested])
    t.match(await post(example.replace('"es"', value)), {
      status: 400,
      body: { message: /^country: expected string/ },
    })
  const rows = await post(
    `{"users": [${example}, ${deep}, ${nested}, ${example.replace('"es"', deep)}, ${example}]}`,
    '/batch_predict',
  )
  t.equal(rows.status, 200)
  t.same(
    rows.body.predictions.map((row: object) => 'error' in row),
    [false, true, true, true, false],
  )
  t.match(await post(deep, '/outcomes'), { status: 400 })
})

t.test('keys of JavaScript’s own, and keys that come twice', async (t) => {
  const example = JSON.stringify(EXAMPLE)
  const polluted = [
    '"__proto__": {"isAdmin": true}',
    '"constructor": {"prototype": {"isAdmin": true}}',
    '"toString": 1',
    '"hasOwnProperty": 1',
  ]
  for (const entry of polluted) {
    const key = /\w+/.exec(entry)![0]
    const { status, body } = await post(example.replace('{', `{${entry},`))
    t.equal(status, 400)
    t.ok(body.message.startsWith(`${key}: unknown field`), body.message)
    const batch = await post(
      `{"users": [${example.replace('{', `{${entry},`)}, ${example}]}`,
      '/batch_predict',
    )
    t.match(batch.body.predictions, [{ error: /unknown field/ }, { prediction_id: String }])
    t.match(await post(`{${entry}, "users": [${example}]}`, '/batch_predict'), { status: 400 })
    t.match(await post(`{"user_id": "a", "revenue": 1, ${entry}}`, '/outcomes'), { status: 400 })
  }
  // JSON.parse takes the last one, and that one is validated and logged.
  t.match(await post(example.replace('{', '{"event_1": "x", ')), { status: 200 })
  t.match(await post(example.replace(/}$/, ', "event_1": "x"}')), {
    status: 400,
    body: { message: 'event_1: expected number, got string "x"' },
  })
})

t.test('bytes that are no text', async (t) => {
  const example = Buffer.from(JSON.stringify({ ...EXAMPLE, country: 'X' }))
  const at = example.indexOf('X')
  const broken = [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82]]
  for (const bytes of broken) {
    const body = Buffer.concat([example.subarray(0, at), Buffer.from(bytes), example.subarray(at + 1)])
    t.match(await post(body), { status: 400, body: { message: 'body: expected UTF-8, got other bytes' } })
  }
  t.match(await post(Buffer.from(JSON.stringify(EXAMPLE), 'utf16le')), { status: 400 })
  t.match(await post(Buffer.concat([Buffer.from('\uFEFF'), Buffer.from(JSON.stringify(EXAMPLE))])), {
    status: 400,
  })
  for (const encoding of ['gzip', 'br', 'deflate']) {
    const headers = { ...JSON_TYPE, 'content-encoding': encoding }
    const response = await fetch(`${service.url}/predict`, {
      method: 'POST',
      headers,
      body: JSON.stringify(EXAMPLE),
    })
    t.ok([200, 400, 415].includes(response.status), `${encoding}: ${response.status}`)
  }
})

t.test('it is well afterwards, and has logged no fault', async (t) => {
  t.match(await post(JSON.stringify(EXAMPLE)), { status: 200 })
  t.same(
    service.logged.map((line) => JSON.parse(line)).filter(({ level }) => level >= 50),
    [],
  )
})
