/**
 * Where first answers are kept: memory and a real Redis keep the same promise; a Redis that goes away is no more than a promise less.
 */
import { Redis } from 'ioredis'
import t from 'tap'
import {
  type AnswerStore,
  FirstAnswers,
  type KeyedRequest,
  memoryStore,
  openRedisStore,
} from '../../src/idempotency/index.ts'
import { sealOf } from '../../src/idempotency/seal.ts'
import { until } from '../until.ts'
import { createRedisServer, NO_REDIS } from '../redis-server.ts'

const REQUEST: KeyedRequest = {
  caller: 'studio',
  key: '7d1c5f0e',
  url: '/predict',
  body: Buffer.from('{"user_id":"player 1"}'),
}

t.test('memory', async (t) => {
  const store = memoryStore({ ttlS: 1, maxBytes: 10_000 })
  t.equal(await store.find('a'), null)
  t.equal(await store.keep('a', Buffer.from('first')), null)
  t.same(await store.keep('a', Buffer.from('second')), Buffer.from('first'))
  t.same(await store.find('a'), Buffer.from('first'))
  for (let i = 0; i < 20; i++) await store.keep(`other ${i}`, Buffer.alloc(1_000))
  t.equal(await store.find('a'), null, 'what was not asked for longest went')
  t.same(await store.find('other 19'), Buffer.alloc(1_000))
  await until('its time is over', async () => (await store.find('other 19')) === null)
  await t.rejects(store.keep('large', Buffer.alloc(10_001)), /at most 10000 bytes, got 10001/)
})

for (const encrypts of [true, false])
  t.test(
    `a seal is opened by the request that closed it, and by no other${encrypts ? '' : ', unencrypted'}`,
    (t) => {
      const seal = sealOf(REQUEST, encrypts)
      const closed = seal.close('the answer to player 1')
      const same = { ...REQUEST, body: Buffer.from(REQUEST.body) }
      t.equal(sealOf(same, encrypts).open(closed), 'the answer to player 1')
      t.equal(seal.open(seal.close('')), '')
      for (const other of [
        { body: Buffer.from('{"user_id":"player 2"}') },
        { body: Buffer.from('') },
        { url: '/batch_predict' },
        { caller: null },
        { key: 'another' },
      ])
        t.equal(sealOf({ ...REQUEST, ...other }, encrypts).open(closed), null)
      const name = (part: Partial<KeyedRequest>) => sealOf({ ...REQUEST, ...part }, encrypts).name
      t.equal(
        name({ body: Buffer.from('other'), url: '/other' }),
        seal.name,
        'the name is that of caller and key',
      )
      t.not(name({ caller: 'studio2', key: REQUEST.key.slice(1) }), seal.name)
      t.not(name({ caller: null }), name({ caller: 'null' }))
      t.end()
    },
  )

t.test('an encrypted seal', (t) => {
  const seal = sealOf(REQUEST, true)
  const closed = seal.close('the answer')
  t.notSame(seal.close('the answer'), closed)
  const damaged = Buffer.from(closed)
  damaged[damaged.length - 1]! ^= 1
  t.throws(() => seal.open(damaged))
  t.throws(() => seal.open(closed.subarray(0, 40)))
  t.end()
})

t.test('Redis', { skip: NO_REDIS }, async (t) => {
  const server = await createRedisServer()
  t.teardown(() => server.remove())
  const faults: Error[] = []
  const open = (ttlS = 60) =>
    openRedisStore({ url: server.url, ttlS, onFault: (error) => faults.push(error) })
  const [one, other, brief] = [await open(), await open(), await open(1)]
  const admin = new Redis(server.url)
  admin.on('error', () => {})
  t.teardown(() => admin.disconnect())
  t.teardown(() => Promise.all([one, other, brief].map((store) => store.close!())))

  await t.test('of all who try, one is first', async (t) => {
    t.equal(await one.find('a'), null)
    for (let i = 0; i < 100; i++) {
      const tries = [one, other, one, other].map((store, n) => store.keep(`n ${i}`, Buffer.from(`${n}`)))
      const kept = await Promise.all(tries)
      const first = kept.indexOf(null)
      t.same(
        kept,
        kept.map((_, n) => (n === first ? null : Buffer.from(`${first}`))),
      )
    }
  })

  await t.test('its time is over', async (t) => {
    t.equal(await brief.keep('brief', Buffer.from('1')), null)
    await until('it is gone', async () => (await one.find('brief')) === null)
    t.equal(await one.keep('brief', Buffer.from('2')), null)
  })

  await t.test('nobody reads players or keys there', async (t) => {
    const answers = new FirstAnswers(one, () => {})
    const answer = '{"text":"the revenue of player 1"}'
    t.same(await answers.settle(REQUEST, () => answer), { text: answer, isReplay: false })
    t.same(await new FirstAnswers(other, () => {}).settle(REQUEST, () => 'later'), {
      text: answer,
      isReplay: true,
    })
    const [name, ...none] = await admin.keys(`*${sealOf(REQUEST, true).name}`)
    t.equal(none.length, 0)
    const value = `${name} ${(await admin.getBuffer(name!))!.toString('latin1')}`
    for (const secret of ['player', 'revenue', REQUEST.key, 'studio', 'user_id']) t.notMatch(value, secret)
    t.ok((await admin.ttl(name!)) > 50)
  })

  await t.test('frozen, away and back', async (t) => {
    let [asked, nowMs, made] = [0, 0, 0]
    const counting: AnswerStore = {
      ...one,
      keep(name, value) {
        asked++
        return one.keep(name, value)
      },
    }
    const answers = new FirstAnswers(
      counting,
      () => {},
      () => nowMs,
    )
    const settle = async (key: string): Promise<boolean> =>
      (await answers.settle({ ...REQUEST, key }, () => `${made++}`)).isReplay
    const untilBack = (key: string) =>
      until('it is back', () => {
        nowMs += 2_000
        return settle(key)
      })
    await settle('before')
    server.freeze()
    await settle('frozen')
    for (let i = 0; i < 10; i++) await settle('frozen')
    t.equal(asked, 2, 'one has waited, and nobody else')
    server.thaw()
    await untilBack('thawed')
    t.equal(await settle('before'), true)

    const before = asked
    await server.stop()
    for (let i = 0; i < 10; i++) await settle('away')
    t.ok(asked <= before + 1)
    const { unguarded } = answers.counts()
    t.ok(unguarded >= 12, `${unguarded}`)
    await until('it is told of an attempt to connect', () => faults.length > 0)
    await server.start()
    await untilBack('back')
    t.equal(await settle('before'), false, 'it was in memory only')
  })

  await t.test('a start without it waits a moment, and goes on', async (t) => {
    const begun = performance.now()
    const store = await openRedisStore({ url: 'redis://127.0.0.1:1', ttlS: 1, onFault: () => {} })
    const tookMs = performance.now() - begun
    t.ok(tookMs > 1_500, `${tookMs} ms`)
    await t.rejects(store.keep('a', Buffer.from('1')))
    await store.close!()
  })
})
