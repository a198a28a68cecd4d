/**
 * Keys in a file, and what follows it.
 */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { KeyFile } from '../../src/access/key-file.ts'
import { KeyFollower } from '../../src/access/key-follower.ts'
import { createKey, replaceKey, revokeKey } from '../../src/access/key-store.ts'
import { type KeyRecord, makeKey } from '../../src/access/keys.ts'
import { until } from '../until.ts'

const NOW = new Date('2026-01-02T03:04:05.678Z')
const later = (hours: number): Date => new Date(NOW.getTime() + hours * 3_600_000)
const ABOUT = { name: 'dash “1”', scopes: ['predict', 'read'], expires: null } as const

const fileIn = (t: Test): string => join(t.testdir(), 'keys', 'keys.json')
const open = (path: string, isRequired = false) => new KeyFile(path, { isRequired })

t.test('make, replace, revoke', async (t) => {
  const path = fileIn(t)
  const file = open(path)
  t.same(await file.list(), [])
  const one = await createKey(file, { ...ABOUT, expires: later(24 * 90) }, NOW)
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(statSync(join(path, '..')).mode & 0o777, 0o700)
  t.same(await open(path).list(), [one.record], 'all of it is read back')
  t.notMatch(readFileSync(path, 'utf8'), one.text.slice(18))

  const two = await replaceKey(file, one.record.id, {}, 2 * 3_600_000, later(1))
  t.same(two.record, {
    ...two.record,
    name: ABOUT.name,
    scopes: ABOUT.scopes,
    expires: later(24 * 90 + 1),
  })
  t.same(await file.list(), [{ ...one.record, expires: later(3), replacedBy: two.record.id }, two.record])
  await t.rejects(replaceKey(file, one.record.id, {}, 0, later(1)), {
    code: 'KEY_NOT_ACTIVE',
    message: `expected an active key to replace; ${one.record.id} is replaced`,
  })
  await t.rejects(replaceKey(file, 'ffffffffffff', {}, 0, NOW), { code: 'KEY_NOT_FOUND' })
  t.equal(
    await file.add(makeKey({ ...ABOUT, created: NOW }).record, { id: one.record.id, expires: NOW }),
    false,
  )
  t.equal((await file.list()).length, 2, 'both or neither')

  t.match(await revokeKey(file, two.record.id, later(2)), { revoked: later(2) })
  t.match(await revokeKey(file, two.record.id, later(5)), { revoked: later(2) }, 'once')
  await t.rejects(revokeKey(file, 'ffffffffffff', NOW), { code: 'KEY_NOT_FOUND' })
  await t.rejects(replaceKey(file, two.record.id, {}, 0, NOW), { code: 'KEY_NOT_ACTIVE' })
  const soon = await createKey(file, { ...ABOUT, expires: later(1) }, NOW)
  await replaceKey(file, soon.record.id, { name: 'x', scopes: ['admin'], expires: null }, 24 * 3_600_000, NOW)
  t.match((await file.list()).slice(-2), [
    { expires: later(1), replacedBy: /./ },
    { name: 'x', scopes: ['admin'], expires: null },
  ])
  t.same(readdirSync(join(path, '..')), ['keys.json'], 'nothing is left beside it')
})

t.test('changes at the same time undo none of each other', async (t) => {
  const path = fileIn(t)
  const made = await Promise.all(Array.from({ length: 6 }, () => createKey(open(path), ABOUT, NOW)))
  const ids = (records: readonly KeyRecord[]) => records.map(({ id }) => id).toSorted()
  t.same(ids(await open(path).list()), ids(made.map(({ record }) => record)))
})

t.test('a link stays a link, and the mode what it was', async (t) => {
  const folder = t.testdir({ real: {} })
  const [path, link] = [join(folder, 'real', 'keys.json'), join(folder, 'link.json')]
  await createKey(open(path), ABOUT, NOW)
  chmodSync(path, 0o640)
  symlinkSync(path, link)
  await createKey(open(link), ABOUT, NOW)
  t.equal((await open(path).list()).length, 2)
  t.equal(statSync(path).mode & 0o777, 0o640)
  t.notOk(await open(path).isOpenToOthers())
  chmodSync(path, 0o660)
  t.ok(await open(link).isOpenToOthers())
})

t.test('what is wrong is said by its place, and no hash is repeated', async (t) => {
  const path = fileIn(t)
  await t.rejects(
    open(path, true).list(),
    /keys\.json: expected a file with keys, there is none; `day7 keys create` makes it/,
  )
  const { record } = await createKey(open(path), ABOUT, NOW)
  const good = JSON.parse(readFileSync(path, 'utf8')) as { keys: Record<string, unknown>[] }
  const faulty = async (keys: unknown, message: string) => {
    writeFileSync(path, typeof keys === 'string' ? keys : JSON.stringify({ format: 1, keys }))
    await t.rejects(open(path).list(), { message: `${path}, ${message}` })
    await t.rejects(
      createKey(open(path), ABOUT, NOW),
      { message: `${path}, ${message}` },
      'nor is it overwritten',
    )
  }
  const withField = (change: object) => [{ ...good.keys[0], ...change }]
  const { expires: _, ...short } = good.keys[0]!
  await faulty('{"format": 1', 'expected JSON')
  await faulty('{"format": 2, "keys": []}', 'format: expected 1, got 2')
  await faulty('[]', 'the file: expected an object')
  await faulty({}, 'keys: expected an array')
  await faulty([short], 'keys[0].expires: expected, but it is missing')
  await faulty(
    withField({ expire: null }),
    'keys[0].expire: unknown; expected only id, name, scopes, salt, hash, created, expires, revoked, replacedBy',
  )
  await faulty(withField({ hash: `${record.hash}0` }), 'keys[0].hash: expected 64 hexadecimal digits')
  await faulty(withField({ salt: '' }), 'keys[0].salt: expected 32 hexadecimal digits')
  await faulty(withField({ id: 'A0123456789b' }), 'keys[0].id: expected twelve hexadecimal digits')
  await faulty(withField({ name: 'a\nb' }), 'keys[0].name: expected 1 to 100 printable characters')
  for (const scopes of [[], ['predict', 'root'], 'predict', null])
    await faulty(withField({ scopes }), 'keys[0].scopes: expected some of predict, read, outcomes, admin')
  for (const expires of ['tomorrow', '2026-13-01T00:00:00Z', 0, true, '2026'])
    await faulty(withField({ expires }), 'keys[0].expires: expected a time such as 2026-01-31T00:00:00Z')
  await faulty([good.keys[0], good.keys[0]], `keys: expected each id once, got ${record.id} again`)
})

t.test('a lock that is not given back is said', async (t) => {
  const path = fileIn(t)
  mkdirSync(join(path, '..'))
  writeFileSync(`${path}.lock`, '')
  const waiting = createKey(new KeyFile(path, { isRequired: false, lockWaitMs: 100 }), ABOUT, NOW)
  await t.rejects(waiting, { code: 'KEY_FILE_LOCKED', message: /keys\.json\.lock is there/ })
})

t.test('a follower: new, revoked, faulty, gone, back', async (t) => {
  const path = fileIn(t)
  const said: string[] = []
  const say = (_: object, message: string) => void said.push(message)
  const follower = new KeyFollower({
    store: open(path),
    place: path,
    memory: null,
    pollMs: 5,
    logger: { info: say, warn: say, error: say },
  })
  t.teardown(() => follower.stop())
  await follower.start()
  t.equal(follower.state(), 'current')
  t.equal(follower.ring().size, 0)
  const takes = (text: string): boolean => {
    try {
      return Boolean(follower.ring().callerOf(text, NOW))
    } catch {
      return false
    }
  }
  const [one, two] = [await createKey(open(path), ABOUT, NOW), await createKey(open(path), ABOUT, NOW)]
  await until('both are taken', () => takes(one.text) && takes(two.text))
  await revokeKey(open(path), one.record.id, NOW)
  await until('one is refused', () => !takes(one.text))
  const good = readFileSync(path, 'utf8')
  const ring = follower.ring()

  writeFileSync(path, good.slice(0, 100))
  await until('stale', () => follower.state() === 'stale')
  t.match(follower.fault(), /expected JSON/)
  t.ok(takes(two.text), 'the last good one goes on')
  rmSync(path)
  await until('the file is missed', () => follower.fault()?.includes('there is none'))
  t.ok(takes(two.text), 'a file that is gone revokes nothing')
  t.notOk(takes(one.text))
  writeFileSync(path, good)
  await until('current', () => follower.state() === 'current')
  t.equal(follower.fault(), null)
  t.equal(follower.ring(), ring, 'the same keys are the same ring')
  t.equal(said.filter((text) => text.includes('cannot be read')).length, 2, 'each fault is said once')
})
