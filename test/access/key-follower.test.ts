/**
 * Keys in a store that may be away: what is known over a restart, and what is not.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Access } from '../../src/access/access.ts'
import { KeyFollower, type KeyFollowerOptions } from '../../src/access/key-follower.ts'
import { type KeyRecord, makeKey } from '../../src/access/keys.ts'
import { until } from '../until.ts'

const NOW = new Date('2026-01-02T03:04:05.678Z')
const KEY = makeKey({ name: 'n', scopes: ['read'], created: NOW, expires: new Date(NOW.getTime() + 1000) })
const LOGGER = { info: () => {}, warn: () => {}, error: () => {} }

const away = async (): Promise<never> => {
  throw new Error('the database is away')
}

function follow(t: Test, memory: string | null, options: Partial<KeyFollowerOptions> = {}): KeyFollower {
  const follower = new KeyFollower({
    store: { list: async () => [KEY.record] },
    place: 'api_keys in here/day7',
    memory,
    pollMs: 5,
    logger: LOGGER,
    ...options,
  })
  t.teardown(() => follower.stop())
  return follower
}

t.test('the keys of the last process, while the store is away', async (t) => {
  const memory = join(t.testdir(), 'data', 'remembered.json')
  await follow(t, memory).start()
  t.equal(statSync(memory).mode & 0o777, 0o600)
  t.notMatch(readFileSync(memory, 'utf8'), KEY.text.slice(18))

  let list: () => Promise<KeyRecord[]> = away
  const next = follow(t, memory, { store: { list: () => list() } })
  await next.start()
  t.equal(next.state(), 'remembered')
  t.match(next.ring().callerOf(KEY.text, NOW), { name: 'n' })
  t.throws(() => next.ring().callerOf(KEY.text, KEY.record.expires!), { code: 'KEY_EXPIRED' })
  list = async () => [{ ...KEY.record, revoked: NOW }]
  await until('current', () => next.state() === 'current')
  t.throws(() => next.ring().callerOf(KEY.text, NOW), { code: 'KEY_REVOKED' })
  await until('it is remembered', () =>
    readFileSync(memory, 'utf8').includes(`"revoked": "${NOW.toISOString()}"`),
  )
})

t.test('not those of another database, and not what is damaged', async (t) => {
  const memory = join(t.testdir(), 'remembered.json')
  await follow(t, memory).start()
  const elsewhere = follow(t, memory, { place: 'api_keys in there/day7', store: { list: away } })
  await elsewhere.start()
  t.equal(elsewhere.state(), 'unknown')
  const whole = readFileSync(memory, 'utf8')
  for (const text of [whole.slice(0, -20), whole.replace(/"hash": "./, '"hash": "'), '', '{}']) {
    writeFileSync(memory, text)
    const follower = follow(t, memory, { store: { list: away } })
    await follower.start()
    t.equal(follower.state(), 'unknown')
    t.equal(follower.ring().size, 0)
  }
})

t.test('a memory that cannot be written is no fault of the keys', async (t) => {
  const folder = t.testdir({ file: '' })
  const follower = follow(t, join(folder, 'file', 'remembered.json'))
  await follower.start()
  t.equal(follower.state(), 'current')
  t.equal(follower.ring().size, 1)
})

t.test('nobody is let in while it is not known who may', async (t) => {
  let list: () => Promise<KeyRecord[]> = away
  const keys = follow(t, null, { store: { list: () => list() } })
  const access = new Access({ mode: 'on', keys, issuer: null, guardsMetrics: false, now: () => NOW })
  await access.open()
  t.teardown(() => access.close())
  t.ok(access.isEnforced())
  t.throws(() => access.callerOf(KEY.text), { code: 'ACCESS_UNAVAILABLE', statusCode: 503 })
  t.throws(() => access.callerOf('something'), { code: 'CREDENTIALS_INVALID' })
  list = async () => [KEY.record]
  await until('current', () => keys.state() === 'current')
  t.match(access.callerOf(KEY.text), { name: 'n' })
  t.same(access.status(), {
    isEnforced: true,
    keys: 'current',
    nextExpiry: KEY.record.expires,
    issuer: null,
    refusals: {},
  })
})

t.test('the first key closes the door, and nothing opens it again', async (t) => {
  let list: () => Promise<KeyRecord[]> = async () => []
  const keys = follow(t, null, { store: { list: () => list() } })
  const access = new Access({ mode: 'auto', keys, issuer: null, guardsMetrics: false, now: () => NOW })
  await access.open()
  t.teardown(() => access.close())
  t.notOk(access.isEnforced())
  list = async () => [KEY.record]
  await until('keys are asked for', () => access.isEnforced())
  list = async () => []
  await until('no keys', () => keys.ring().size === 0)
  t.ok(access.isEnforced())
})
