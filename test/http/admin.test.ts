/**
 * `/admin/rollout`: the split of the traffic, for callers on the same machine.
 */
import t from 'tap'
import { appWith, AWAY, beAway, modelsIn, NOW, send } from './app.ts'

const URL = '/admin/rollout'
const put = (payload: object) => ({ method: 'PUT' as const, url: URL, payload })

t.test('put, get, delete', async (t) => {
  const { app } = await appWith()
  const settings = { champion: 100, challenger: 0, shadow: null, salt: 'day7' }
  t.same(await send(app, URL), { status: 200, body: { ...settings, origin: 'settings', since: null } })

  const kept = { origin: 'admin', since: NOW.toISOString() }
  const split = { champion: 71, challenger: 29, shadow: 'challenger', salt: 'anew' }
  t.same(await send(app, put(split)), { status: 200, body: { ...split, ...kept } })
  t.same(await send(app, put({ champion: 99.9, challenger: 0.1 })), {
    status: 200,
    body: { ...split, ...kept, champion: 99.9, challenger: 0.1 },
  })
  t.match(await send(app, put({ champion: 100, challenger: 0, shadow: null })), { body: { shadow: null } })
  t.match(await send(app, { method: 'DELETE', url: URL }), {
    status: 200,
    body: { ...settings, origin: 'settings' },
  })
  await app.close()
})

t.test('what is wrong is said', async (t) => {
  const { app } = await appWith()
  const wrong = async (payload: object, message: string | RegExp) =>
    t.match(await send(app, put(payload)), { status: 400, body: { message } })
  await wrong(
    { champion: 90, challenger: 20 },
    'expected champion and challenger to add up to 100, got 90 + 20 = 110',
  )
  await wrong({ champion: 100 }, /challenger/)
  await wrong({ champion: 110, challenger: -10 }, /champion/)
  await wrong({ champion: '90', challenger: 10 }, /champion: expected/)
  await wrong({ champion: 90, challenger: 10, shadow: 'champion' }, /shadow/)
  await wrong({ champion: 90, challenger: 10, share: 1 }, /share/)
  await wrong({ champion: 90, challenger: 10, salt: 'a\0' }, /salt/)
  t.match(await send(app, URL), { body: { origin: 'settings' } }, 'nothing has changed')
  await app.close()
})

t.test('callers from elsewhere', async (t) => {
  const { app } = await appWith()
  for (const remoteAddress of ['10.0.0.7', '::ffff:10.0.0.7', '2001:db8::1', '1270.0.0.1'])
    t.match(await send(app, { ...put({ champion: 0, challenger: 100 }), remoteAddress }), {
      status: 403,
      body: { code: 'NOT_LOCAL' },
    })
  for (const remoteAddress of ['127.0.0.1', '::1', '::ffff:127.0.0.1'])
    t.match(await send(app, { url: URL, remoteAddress }), { status: 200 })
  for (const host of ['localhost:5001', '127.0.0.1', '[::1]:5001'])
    t.match(await send(app, { url: URL, headers: { host } }), { status: 200 })
  for (const headers of [
    { origin: 'http://localhost:5001' },
    { 'x-forwarded-for': '10.0.0.7' },
    { forwarded: 'for=10.0.0.7' },
  ])
    t.match(await send(app, { url: URL, headers }), { status: 403, body: { code: 'NOT_LOCAL' } })
  t.match(await send(app, { url: URL, headers: { host: 'rebound.example:5001' } }), {
    status: 421,
    body: { code: 'HOST_NOT_ALLOWED' },
  })
  await app.close()
})

t.test('without the database nothing is changed', async (t) => {
  const { traffic, followers } = modelsIn()
  const models = { followers, traffic: { ...traffic, set: beAway, reset: beAway } }
  const { app } = await appWith({ models })
  t.same(await send(app, put({ champion: 0, challenger: 100 })), AWAY)
  t.same(await send(app, { method: 'DELETE', url: URL }), AWAY)
  t.match(await send(app, URL), { body: { challenger: 0 } })
  await app.close()
})
