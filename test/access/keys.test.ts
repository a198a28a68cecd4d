/**
 * Keys: what they look like, and who is taken for whom.
 */
import { timingSafeEqual } from 'node:crypto'
import t from 'tap'
import { KeyRing } from '../../src/access/key-ring.ts'
import { hashOf, type KeyRecord, makeKey, partsOf, stateOf } from '../../src/access/keys.ts'

const NOW = new Date('2026-01-02T03:04:05Z')
const at = (ms: number): Date => new Date(NOW.getTime() + ms)
const ABOUT = { name: 'dashboard', scopes: ['predict', 'read'], created: NOW, expires: null } as const

t.test('a key and its record', (t) => {
  const { text, record } = makeKey(ABOUT)
  t.match(text, /^day7_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/, '256 bits')
  const { id, secret } = partsOf(text)!
  t.equal(record.id, id)
  t.equal(record.hash, hashOf(record.salt, secret).toString('hex'))
  t.notOk(JSON.stringify(record).includes(secret.slice(0, 8)), 'no part of the secret is kept')
  const other = makeKey(ABOUT).record
  for (const field of ['id', 'salt', 'hash'] as const) t.not(record[field], other[field])
  t.end()
})

t.test('states', (t) => {
  const { record } = makeKey(ABOUT)
  const state = (change: Partial<KeyRecord>) => stateOf({ ...record, ...change }, NOW)
  t.equal(state({}), 'active')
  t.equal(state({ expires: at(1) }), 'active')
  t.equal(state({ expires: NOW }), 'expired', 'at that very millisecond')
  t.equal(state({ replacedBy: '0123456789ab', expires: at(1) }), 'replaced')
  t.equal(state({ replacedBy: '0123456789ab', expires: NOW }), 'expired')
  t.equal(state({ expires: NOW, revoked: NOW }), 'revoked')
  t.end()
})

t.test('who is taken for whom', (t) => {
  const [one, two] = [makeKey(ABOUT), makeKey({ ...ABOUT, name: 'two', scopes: ['admin'] })]
  const expiring = makeKey({ ...ABOUT, expires: at(1) })
  const revoked = makeKey(ABOUT)
  const ring = new KeyRing([
    one.record,
    two.record,
    expiring.record,
    { ...revoked.record, revoked: NOW, expires: at(-1) },
  ])
  const refused = (text: string, code: string, now = NOW) =>
    t.throws(() => ring.callerOf(text, now), { code }, `${code}: ${text}`)
  t.equal(ring.size, 4)
  t.same(ring.callerOf(one.text, NOW), {
    id: `key:${one.record.id}`,
    name: 'dashboard',
    scopes: new Set(['predict', 'read']),
  })
  t.match(ring.callerOf(two.text, NOW), { name: 'two', scopes: new Set(['admin']) })

  const [, id, secret] = /^day7_(.{12})_(.{43})$/.exec(one.text)!
  refused(`day7_${two.record.id}_${secret}`, 'KEY_UNKNOWN')
  refused(`day7_000000000000_${secret}`, 'KEY_UNKNOWN')
  refused(makeKey(ABOUT).text, 'KEY_UNKNOWN')
  refused(`day7_${id}_${secret!.slice(0, 42)}${secret!.endsWith('A') ? 'B' : 'A'}`, 'KEY_UNKNOWN')
  for (const text of ['', 'day7_', one.text.slice(0, -1), `${one.text}A`, ` ${one.text}`, `${one.text}\n`])
    refused(text, 'CREDENTIALS_INVALID')
  refused(one.text.toUpperCase(), 'CREDENTIALS_INVALID')
  refused(one.text.replace(secret!, 'é'.repeat(43)), 'CREDENTIALS_INVALID')

  t.ok(ring.callerOf(expiring.text, NOW))
  refused(expiring.text, 'KEY_EXPIRED', at(1))
  refused(revoked.text, 'KEY_REVOKED')
  const wrong = makeKey(ABOUT).text.slice(-43)
  refused(`day7_${expiring.record.id}_${wrong}`, 'KEY_UNKNOWN', at(1))
  refused(`day7_${revoked.record.id}_${wrong}`, 'KEY_UNKNOWN')
  t.end()
})

t.test('two texts are never as good as each other', (t) => {
  // The last character of 43 stands for four bits and two that base64url passes over.
  const { text, record } = makeKey(ABOUT)
  const ring = new KeyRing([record])
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const taken = [...alphabet].filter((last) => {
    try {
      return ring.callerOf(text.slice(0, -1) + last, NOW)
    } catch {
      return false
    }
  })
  t.same(taken, [text.at(-1)])
  t.end()
})

t.test('every secret costs one comparison in constant time, whether its id is known or not', (t) => {
  const compared: number[][] = []
  const { text, record } = makeKey(ABOUT)
  const ring = new KeyRing([record], (a, b) => {
    compared.push([a.byteLength, b.byteLength])
    return timingSafeEqual(a, b)
  })
  ring.callerOf(text, NOW)
  for (const wrong of [`day7_${record.id}_${'A'.repeat(43)}`, makeKey(ABOUT).text])
    t.throws(() => ring.callerOf(wrong, NOW), { code: 'KEY_UNKNOWN', message: 'there is no such key' })
  t.same(compared, [
    [32, 32],
    [32, 32],
    [32, 32],
  ])
  t.end()
})
