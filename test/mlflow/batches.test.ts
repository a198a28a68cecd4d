/**
 * Batches: any number of items arrives once, in order, in requests that the server takes.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { BATCH_LIMITS } from '../../src/mlflow/index.ts'
import { bodiesOf, type BatchBody } from '../../src/mlflow/batches.ts'
import { clientOf, failure, fakeServer } from './fake-server.ts'

/** How many, and of which text each; characters that JSON and UTF-8 make longer, and halves of one. */
const entries = (count: number, length: number) =>
  fc.record({
    count: fc.nat(count),
    character: fc.constantFrom('x', 'é', '\u0000', '😀', '"', '\ud800'),
    length: fc.nat(length),
    prefix: fc.constantFrom('', 'x'),
  })
const shape = fc.record({ metrics: fc.nat(3_500), params: entries(350, 7_000), tags: entries(350, 9_000) })

interface Many {
  readonly count: number
  readonly character: string
  readonly length: number
  readonly prefix: string
}

const textsOf = ({ count, character, length, prefix }: Many) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, at) => [`key ${at}`, prefix + character.repeat(length)]),
  )

const joined = (bodies: readonly BatchBody[], kind: 'metrics' | 'params' | 'tags') =>
  bodies.flatMap((body) => body[kind]) as unknown as Record<string, unknown>[]

t.test('every item arrives once, in order, within the limits', (t) => {
  const cutTo = (value: string, length: number) =>
    value
      .toWellFormed()
      .slice(0, length)
      .replace(/[\ud800-\udbff]$/, '')
  fc.assert(
    fc.property(shape, (shape) => {
      const metrics = Array.from({ length: shape.metrics }, (_, at) => ({
        key: `m${at % 7}`,
        value: at,
        step: at,
      }))
      const batch = { metrics, params: textsOf(shape.params), tags: textsOf(shape.tags) }
      const bodies = bodiesOf('run', batch, 5)
      for (const body of bodies) {
        const { metrics, params, tags } = body
        const items = metrics.length + params.length + tags.length
        assert(items > 0 && Math.max(metrics.length, params.length, tags.length) <= 100, `${items} items`)
        const bytes = Buffer.byteLength(JSON.stringify(body))
        assert(bytes <= 1_000_000, `${bytes} bytes`)
      }
      for (const [kind, length] of [
        ['params', 6_000],
        ['tags', 8_000],
      ] as const)
        assert.deepEqual(
          joined(bodies, kind),
          Object.entries(batch[kind]).map(([key, value]) => ({ key, value: cutTo(value, length) })),
        )
      assert.deepEqual(
        joined(bodies, 'metrics'),
        metrics.map(({ key, value, step }) => ({ key, value, timestamp: 5, step })),
      )
    }),
    { numRuns: 60 },
  )
  t.end()
})

t.test('a character of two halves is not cut between them', (t) => {
  const [body] = bodiesOf('run', { params: { a: `x${'😀'.repeat(3_000)}` } }, 0)
  t.match(body!.params, [{ value: `x${'😀'.repeat(2_999)}` }])
  t.end()
})

t.test('a request is filled to the last byte and no further', (t) => {
  const full = Object.fromEntries(Array.from({ length: 27 }, (_, at) => [`p${at}`, '\0'.repeat(6_000)]))
  const sizeOfFirst = (length: number) => {
    const tags = { a: 'x'.repeat(length), b: '\0'.repeat(3_400) }
    return Buffer.byteLength(JSON.stringify(bodiesOf('run', { params: full, tags }, 0)[0]))
  }
  const room = 1_000_000 - sizeOfFirst(0)
  const sizes = Array.from({ length: 40 }, (_, at) => sizeOfFirst(room - 30 + at))
  const greatest = Math.max(...sizes)
  t.ok(greatest <= 1_000_000 && greatest > 1_000_000 - 10, `${greatest} bytes`)
  t.end()
})

t.test('as few requests as the limits allow', (t) => {
  const metrics = Array.from({ length: 1_500 }, (_, at) => ({ key: `m${at}`, value: at }))
  const params = Object.fromEntries(Array.from({ length: 250 }, (_, at) => [`p${at}`, `${at}`]))
  const sizes = bodiesOf('run', { metrics, params }, 0).map(({ params, metrics }) => [
    params.length,
    metrics.length,
  ])
  t.strictSame(sizes, [[100, 0], [100, 0], [50, 100], ...Array.from({ length: 14 }, () => [0, 100])])
  t.strictSame(bodiesOf('run', {}, 0), [], 'nothing to send')
  t.equal(bodiesOf('run', { tags: new Map([['a', 'b']]) }, 0).length, 1, 'a Map will do')
  t.end()
})

t.test('what is no finite number is sent as proto3 JSON has it', (t) => {
  const metrics = [NaN, Infinity, -Infinity, -0, 1e308, 5e-324].map((value) => ({
    key: 'm',
    value,
    timestampMs: 1.9,
  }))
  const [body] = bodiesOf('run', { metrics }, 0)
  t.strictSame(
    body!.metrics,
    ['NaN', 'Infinity', '-Infinity', -0, 1e308, 5e-324].map((value) => ({
      key: 'm',
      value,
      timestamp: 1,
      step: 0,
    })),
  )
  t.end()
})

t.test('a key that is too long is refused before anything is sent', async (t) => {
  const server = await fakeServer(t, {})
  const client = clientOf(t, server.url)
  const long = 'k'.repeat(BATCH_LIMITS.keyLength + 1)
  const tags = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`t${at}`, '']))
  for (const call of [
    () => client.logBatch('r', { tags: { ...tags, [long]: 'x' } }),
    () => client.logBatch('r', { tags, metrics: [{ key: long, value: 1 }] }),
    () => client.logBatch('r', { params: { '': 'x' } }),
    () => client.setRunTag('r', long, 'x'),
  ])
    t.match(await failure(call()), {
      code: 'INVALID_PARAMETER_VALUE',
      status: null,
      message: /1 to 250 characters/,
    })
  t.equal(server.asked.length, 0)
  await client.setRunTag('r', long.slice(1), 'x'.repeat(9_000))
  t.equal(JSON.parse(server.asked[0]!.body).value.length, 8_000)
})

t.test('nothing is sent after a request that failed', async (t) => {
  const server = await fakeServer(
    t,
    {},
    { status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE', message: 'no' } },
  )
  const params = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`p${at}`, '']))
  t.match(await failure(clientOf(t, server.url).logBatch('r', { params })), {
    code: 'INVALID_PARAMETER_VALUE',
  })
  t.equal(server.asked.length, 2)
})
