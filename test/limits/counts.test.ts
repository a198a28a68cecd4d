/**
 * Counting requests, in memory and in a real Redis: two that count together, and what becomes of it when Redis is killed, frozen, full,
 * or was never there.
 */
import { createServer } from 'node:net'
import { Redis } from 'ioredis'
import t from 'tap'
import {
  type Count,
  MemoryCounts,
  type RequestCounts,
  SharedCounts,
  type SharedState,
} from '../../src/limits/index.ts'
import { freePort } from '../postgres-server.ts'
import { until } from '../until.ts'
import { createRedisServer, NO_REDIS } from '../redis-server.ts'

const WINDOW_MS = 60_000

t.test('in memory', (t) => {
  let nowMs = 1000
  const counts = new MemoryCounts(() => nowMs)
  t.same(counts.add('a', 100), { current: 1, ttl: 100 })
  nowMs += 40
  t.same(counts.add('a', 100), { current: 2, ttl: 60 })
  t.same(counts.add('b', 100), { current: 1, ttl: 100 }, 'each for itself')
  t.same(counts.peek('a'), { current: 2, ttl: 60 })
  t.same(counts.peek('c'), { current: 0, ttl: 0 })
  nowMs += 60
  t.same(counts.peek('a'), { current: 0, ttl: 0 }, 'a window ends')
  t.same(counts.add('a', 100), { current: 1, ttl: 100 })
  for (let i = 0; i < 60_000; i++) counts.add(`x${i}`, 1e9)
  t.same(counts.peek('a'), { current: 0, ttl: 0 }, 'those that came long ago are forgotten first')
  t.same(counts.peek('x59999'), { current: 1, ttl: 1e9 })
  t.end()
})

const said: string[] = []
const logger = {
  info: (_: object, message: string) => void said.push(message),
  warn: (fields: object, message: string) => void said.push(`${message} ${JSON.stringify(fields)}`),
}

const currentOf = async (count: Count | Promise<Count>): Promise<number> => (await count).current

const untilIn = (counts: RequestCounts, state: SharedState): Promise<unknown> =>
  until(state, () => counts.sharedState() === state)

/** A Redis that answers has time to. */
const PATIENT_MS = 300_000

t.test('in Redis', { skip: NO_REDIS }, async (t) => {
  const server = await createRedisServer()
  t.teardown(() => server.remove())
  const open = () => {
    const counts = new SharedCounts(server.url, new MemoryCounts(), logger, PATIENT_MS)
    t.teardown(() => counts.close())
    return counts
  }
  const [one, two] = [open(), open()]
  const client = new Redis(server.url)
  client.on('error', () => {})
  t.teardown(() => client.disconnect())
  await Promise.all([untilIn(one, 'shared'), untilIn(two, 'shared')])

  await t.test('two count together', async (t) => {
    const seen = await Promise.all(
      [one, two, one, two].map((counts) => currentOf(counts.add('a', WINDOW_MS))),
    )
    t.same(seen.toSorted(), [1, 2, 3, 4])
    const { ttl } = await one.add('a', WINDOW_MS)
    t.ok(ttl > 0 && ttl <= WINDOW_MS)
    t.equal(await currentOf(one.add('b', 100)), 1)
    await until('a window ends', async () => (await client.exists('day7:requests:b')) === 0)
    t.equal(await currentOf(two.add('b', 100)), 1)
  })

  await t.test('a key that somebody has made without an end gets one', async (t) => {
    await client.set('day7:requests:forever', '41')
    t.match(await one.add('forever', WINDOW_MS), { current: 42, ttl: WINDOW_MS })
    t.ok((await client.pttl('day7:requests:forever')) > 0)
  })

  await t.test('killed: each counts for itself, and together again when it is back', async (t) => {
    said.length = 0
    await server.stop()
    t.equal(await currentOf(one.add('a', WINDOW_MS)), 1)
    await untilIn(one, 'away')
    t.equal(await currentOf(one.add('a', WINDOW_MS)), 2)
    t.equal(await currentOf(two.add('a', WINDOW_MS)), 1)
    t.match(said[0], /^limits: Redis is away; each process counts requests for itself/)
    await server.start()
    await Promise.all([untilIn(one, 'shared'), untilIn(two, 'shared')])
    t.equal(await currentOf(one.add('a', WINDOW_MS)), 1)
    t.equal(await currentOf(two.add('a', WINDOW_MS)), 2)
    t.equal(said.length, 4, 'each says once that it is away, and once that it is back')
  })

  await t.test('frozen: nobody waits for it for long', async (t) => {
    const hasty = new SharedCounts(server.url, new MemoryCounts(), logger)
    t.teardown(() => hasty.close())
    await untilIn(hasty, 'shared')
    server.freeze()
    t.same(
      await Promise.all(Array.from({ length: 20 }, () => currentOf(hasty.add('c', WINDOW_MS)))),
      Array.from({ length: 20 }, (_, i) => i + 1),
      'as long as Redis says nothing, the process counts',
    )
    await untilIn(hasty, 'away')
    t.not(hasty.add('c', WINDOW_MS) instanceof Promise, true, 'and then not at all')
    server.thaw()
    await untilIn(hasty, 'shared')
  })
})

t.test('a Redis that is full', { skip: NO_REDIS }, async (t) => {
  const server = await createRedisServer('--maxmemory', '1mb', '--maxmemory-policy', 'noeviction')
  t.teardown(() => server.remove())
  const client = new Redis(server.url)
  t.teardown(() => client.disconnect())
  await until('it is full', () => client.set('filler', Buffer.alloc(2_000_000)).then(() => false, () => true)) // prettier-ignore
  said.length = 0
  const counts = new SharedCounts(server.url, new MemoryCounts(), logger, PATIENT_MS)
  t.equal(await currentOf(counts.add('a', WINDOW_MS)), 1)
  t.teardown(() => counts.close())
  await untilIn(counts, 'away')
  t.equal(await currentOf(counts.add('a', WINDOW_MS)), 2)
  counts.close()
  t.equal(counts.sharedState(), 'off')
})

t.test('a Redis that was never there', async (t) => {
  said.length = 0
  const url = `redis://user:secret@127.0.0.1:${await freePort()}`
  const counts = new SharedCounts(url, new MemoryCounts(), logger)
  t.equal(counts.sharedState(), 'connecting')
  t.equal(await currentOf(counts.add('a', WINDOW_MS)), 1)
  await untilIn(counts, 'away')
  t.equal(await currentOf(counts.add('a', WINDOW_MS)), 2)
  let attempts = 0
  const port = Number(new URL(url).port)
  const server = createServer((socket) => {
    attempts++
    socket.destroy()
  }).listen(port, '127.0.0.1')
  await until('two more attempts', () => attempts >= 2)
  server.close()
  t.equal(said.length, 1, 'it says so once')
  t.match(said[0], /ECONNREFUSED/)
  t.notMatch(said[0], /secret/)
  counts.close()
})
