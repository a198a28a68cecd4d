/**
 * Access tokens: who gets in with one, and who does not. The issuer is a real server.
 */
import { createHmac } from 'node:crypto'
import t, { type Test } from 'tap'
import { IssuerKeys, type IssuerPolicy } from '../../src/access/issuer-keys.ts'
import { type TokenOptions, Tokens } from '../../src/access/tokens.ts'
import { AUDIENCE, type Issuer, type Mood, nowS, startIssuer } from './issuer.ts'
import { until } from '../until.ts'

/** An issuer that answers has time to, on any machine. */
const POLICY = { timeoutMs: 300_000, cooldownMs: 250, retryMs: 100 }

interface Trusting {
  readonly keys: IssuerKeys
  readonly tokens: Tokens
  readonly said: string[]
  /** Time stands still but for this. */
  pass(ms: number): void
  /** @returns the scopes, or the code of the refusal */
  ask(token: string): Promise<string[] | string>
  why(token: string): Promise<string>
}

function trust(
  t: Test,
  issuer: Issuer,
  options: Partial<TokenOptions> & {
    readonly policy?: Partial<IssuerPolicy>
    readonly jwksUri?: string
  } = {},
): Trusting {
  const { policy = {}, jwksUri = null, ...rest } = options
  const said: string[] = []
  let nowMs = 0
  const say = (details: { reason?: string }, message: string) => void said.push(details.reason ?? message)
  const keys = new IssuerKeys({
    issuer: issuer.url,
    jwksUri,
    policy: { ...POLICY, ...policy },
    nowMs: () => nowMs,
    logger: { info: say, warn: say, error: say },
    onChange: () => tokens.forget(),
  })
  const tokens = new Tokens(
    { issuer: issuer.url, audience: AUDIENCE, scopeClaim: 'scope', scopePrefix: '', ...rest },
    keys.resolve,
  )
  t.teardown(() => keys.stop())
  const asked = async (token: string) => tokens.callerOf(token, new Date())
  return {
    keys,
    tokens,
    said,
    pass: (ms) => void (nowMs += ms),
    ask: (token) =>
      asked(token).then(
        ({ scopes }) => [...scopes],
        (error: { code: string }) => error.code,
      ),
    why: (token) =>
      asked(token).then(
        () => 'it was taken',
        (error: Error) => error.message.replace('this token is not taken: ', ''),
      ),
  }
}

t.test('a good token', async (t) => {
  const issuer = await startIssuer(t)
  const { tokens, ask, pass } = trust(t, issuer)
  const token = await issuer.token({ client_id: 'backend', scope: 'openid predict root admin' })
  const first = tokens.callerOf(token, new Date())
  t.type(first, Promise)
  t.same(await first, {
    id: 'token:player-backend',
    name: 'backend',
    scopes: new Set(['predict', 'admin']),
  })
  t.equal(tokens.callerOf(token, new Date()), await first, 'is known the second time, without a promise')
  const expiresMs = (nowS() + 300) * 1000
  t.throws(() => tokens.callerOf(token, new Date(expiresMs + 60_000)), { code: 'TOKEN_EXPIRED' })
  t.same(await ask(await issuer.token({ aud: ['other', AUDIENCE] })), ['predict', 'read'])
  t.same(await ask(await issuer.token({ exp: nowS() - 10 })), ['predict', 'read'], 'clocks differ a little')
  t.same(await ask(await issuer.token({ scope: undefined })), [], 'one without scopes may do nothing')
  for (const alg of ['RS256', 'PS256', 'ES384', 'EdDSA']) {
    const kid = await issuer.publish({ alg })
    pass(POLICY.cooldownMs)
    t.same(await ask(await issuer.token({ jti: alg }, {}, kid)), ['predict', 'read'], alg)
  }
})

t.test('where the scopes are', async (t) => {
  const issuer = await startIssuer(t)
  const scopes = async (scopeClaim: string, payload: object, scopePrefix = '') =>
    trust(t, issuer, { scopeClaim, scopePrefix }).ask(await issuer.token({ scope: undefined, ...payload }))
  t.same(await scopes('scp', { scp: ['read', 'admin', 7] }), ['read', 'admin'])
  t.same(await scopes('scp', { scp: 'read  predict' }), ['read', 'predict'])
  t.same(await scopes('realm_access.roles', { realm_access: { roles: ['outcomes'] } }), ['outcomes'])
  t.same(await scopes('https://day7.example/roles', { 'https://day7.example/roles': ['read'] }), ['read'])
  t.same(await scopes('scope', { scope: 'read day7:predict day7:x day7:' }, 'day7:'), ['predict'])
  t.same(await scopes('a.b', { a: 'read' }), [])
  t.same(await scopes('constructor.name', {}), [])
  t.same(await scopes('scope', { scope: { read: true } }), [])
})

t.test('a token that is not good', async (t) => {
  const issuer = await startIssuer(t)
  await issuer.publish()
  const { ask, why } = trust(t, issuer)
  const foreign = await startIssuer(t)
  t.same(await ask(await issuer.token()), ['predict', 'read'])

  const refused = async (token: string, reason: string, code = 'TOKEN_INVALID') => {
    t.equal(await why(token), reason)
    t.equal(await ask(token), code)
  }
  await refused(await issuer.token({ exp: nowS() - 60 }), 'this token has expired', 'TOKEN_EXPIRED')
  await refused(await issuer.token({ nbf: nowS() + 60 }), 'it is not valid yet')
  await refused(await issuer.token({ aud: 'https://other.example' }), 'it is for another audience')
  await refused(await issuer.token({ aud: undefined }), 'it is for another audience')
  await refused(await issuer.token({ iss: foreign.url }), 'it is of another issuer')
  await refused(await issuer.token({ iss: `${issuer.url}/` }), 'it is of another issuer')
  await refused(await foreign.token(), 'its signature is wrong')
  await refused(await foreign.token({ iss: issuer.url }), 'its signature is wrong')
  await refused(await issuer.token({}, { kid: 'key-1' }, 'key-0'), 'its signature is wrong')
  await refused(
    await issuer.token({}, { kid: undefined }),
    'it does not say which of the issuer’s keys has signed it',
  )
  await refused(await issuer.token({}, { kid: 'unknown' }), 'its key is none of the issuer’s')
  for (const text of ['', 'a', 'a.b', 'a.b.c', '..', 'a.b.c.d.e']) await refused(text, 'it is no signed JWT')

  const good = await issuer.token()
  const [header, payload, signature] = good.split('.') as [string, string, string]
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const decoded = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
  await refused(`${header}.${encode({ ...decoded, scope: 'admin' })}.${signature}`, 'its signature is wrong')
  await refused(`${header}.${payload}.`, 'its signature is wrong')
  await refused(`${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`, 'its signature is wrong')
  await refused(`${header}.${encode({ ...decoded, exp: undefined })}.${signature}`, 'its signature is wrong')

  const algorithm = /^expected it to be signed with one of RS256/
  for (const alg of ['none', 'None', 'NONE', ''])
    for (const signed of ['', signature])
      t.match(
        await why(`${encode({ alg, kid: 'key-1' })}.${payload}.${signed}`),
        alg === '' ? /no signed JWT/ : algorithm,
      )
  // The public key is known to all: whoever takes it for a shared secret lets everybody in.
  for (const secret of [
    JSON.stringify(issuer.jwk()),
    Buffer.from(JSON.stringify(issuer.jwk())).toString('base64'),
  ]) {
    const signed = `${encode({ alg: 'HS256', kid: 'key-1' })}.${payload}`
    t.match(
      await why(`${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`),
      algorithm,
    )
  }
  t.same(await ask(good), ['predict', 'read'], 'and the good one still is')
})

t.test('a token without a time of expiry', async (t) => {
  const issuer = await startIssuer(t)
  const { why } = trust(t, issuer)
  // The issuer's own: signed as it should be.
  t.equal(await why(await issuer.token({ exp: undefined })), 'it has no time of expiry')
  t.equal(await why(await issuer.token({ exp: '2099-01-01' })), 'it has no time of expiry')
})

t.test('where keys lie only the settings and the issuer say', async (t) => {
  const [issuer, attacker] = [await startIssuer(t), await startIssuer(t)]
  const { ask } = trust(t, issuer)
  const forged = {
    jku: `${attacker.url}/jwks`,
    x5u: `${attacker.url}/jwks`,
    jwk: attacker.jwk(),
    x5c: ['MIIB'],
  }
  t.equal(await ask(await attacker.token({ iss: issuer.url }, forged)), 'TOKEN_INVALID')
  t.equal(await ask(await attacker.token({ iss: issuer.url }, { ...forged, kid: 'theirs' })), 'TOKEN_INVALID')
  t.same(attacker.asked, { keys: 0, documents: 0 }, 'nobody has asked them')
  t.equal(await ask(await issuer.token({}, { crit: ['x'], x: 1 }).catch(() => 'unsigned')), 'TOKEN_INVALID')
})

t.test('keys rotate', async (t) => {
  const issuer = await startIssuer(t)
  const { ask, pass } = trust(t, issuer)
  const before = await issuer.token()
  t.same(await ask(before), ['predict', 'read'])
  t.same(issuer.asked, { keys: 1, documents: 1 })

  await issuer.publish({ instead: true })
  const token = await issuer.token()
  await Promise.all(Array.from({ length: 20 }, () => ask(token)))
  t.equal(issuer.asked.keys, 1, 'not at once: a token with an unknown key can be made by anybody')
  t.same(await ask(before), ['predict', 'read'], 'what the old key signed is still taken')
  pass(POLICY.cooldownMs)
  t.same(await ask(token), ['predict', 'read'])
  t.equal(issuer.asked.keys, 2, 'once, and not for each request')
  t.equal(await ask(before), 'TOKEN_INVALID', 'the old key has gone, and what it had signed before')
  await Promise.all(
    Array.from({ length: 20 }, async (_, at) => ask(await issuer.token({}, { kid: `x${at}` }))),
  )
  t.equal(issuer.asked.keys, 2)
})

t.test('an issuer that is away, hangs, or answers something else', async (t) => {
  const reasons: Readonly<Record<Exclude<Mood, 'good'>, RegExp>> = {
    error: /expected status 200 from .*, got 500/,
    hanging: /timeout/,
    trickling: /timeout/,
    html: /expected JSON/,
    huge: /expected at most 262144 bytes/,
    redirecting: /redirect/,
    'no-keys': /to name the issuer|key set/,
  }
  for (const [mood, reason] of Object.entries(reasons))
    await t.test(mood, async (t) => {
      const issuer = await startIssuer(t)
      const jwksUri = mood === 'no-keys' ? { jwksUri: `${issuer.url}/jwks` } : {}
      const { ask, keys, said } = trust(t, issuer, {
        ...jwksUri,
        // Only one that would never answer is cut off.
        policy: mood === 'hanging' || mood === 'trickling' ? { timeoutMs: 300 } : {},
      })
      issuer.mood = mood as Mood
      const token = await issuer.token()
      const asked = () => Promise.all(Array.from({ length: 10 }, () => ask(token)))
      t.same(new Set(await asked()), new Set(['ACCESS_UNAVAILABLE']))
      const before = { ...issuer.asked }
      t.same(new Set(await asked()), new Set(['ACCESS_UNAVAILABLE']))
      t.same(issuer.asked, before, 'and at once while it has just failed')
      t.match(keys.fault(), reason)
      t.equal(said.length, 1, 'it is said once')
      t.equal(issuer.asked.documents + issuer.asked.keys, 1, 'ten requests wait for one')
    })
})

t.test('an issuer that goes away and comes back', async (t) => {
  const issuer = await startIssuer(t)
  const { ask, keys, said } = trust(t, issuer, { policy: { refreshMs: 30, retryMs: 20 } })
  keys.start()
  const token = await issuer.token()
  t.same(await ask(token), ['predict', 'read'])
  issuer.mood = 'error'
  await until('a fault', () => keys.fault() !== null)
  t.same(await ask(await issuer.token({ jti: 'new' })), ['predict', 'read'], 'known keys go on')
  t.equal(
    await ask(await issuer.token({}, { kid: 'new' })),
    'ACCESS_UNAVAILABLE',
    'of others there is no telling',
  )
  await issuer.publish()
  issuer.mood = 'good'
  await until('the keys are here', () => keys.fault() === null)
  t.same(await ask(await issuer.token()), ['predict', 'read'])
  t.match(said, [/are here/, /got 500/, /are here/])
})

t.test('keys that are too old are not used', async (t) => {
  const issuer = await startIssuer(t)
  const { ask, pass } = trust(t, issuer, { policy: { maxAgeMs: 100 } })
  t.same(await ask(await issuer.token()), ['predict', 'read'])
  issuer.mood = 'error'
  pass(99)
  t.same(await ask(await issuer.token({ jti: 'young' })), ['predict', 'read'])
  pass(1)
  t.equal(await ask(await issuer.token({ jti: 'old' })), 'ACCESS_UNAVAILABLE')
})

t.test('a discovery document that is not of this issuer', async (t) => {
  const issuer = await startIssuer(t)
  for (const [document, reason] of [
    [{ issuer: `${issuer.url}/` }, /to name the issuer/],
    [{ jwks_uri: 'http://id.example/jwks' }, /https jwks_uri/],
    [{ jwks_uri: 'file:///etc/passwd' }, /https jwks_uri/],
    [{ jwks_uri: undefined }, /https jwks_uri/],
  ] as const) {
    issuer.document = document
    const { ask, keys } = trust(t, issuer)
    t.equal(await ask(await issuer.token()), 'ACCESS_UNAVAILABLE')
    t.match(keys.fault(), reason)
  }
  t.equal(issuer.asked.keys, 0)
  t.same(await trust(t, issuer, { jwksUri: `${issuer.url}/jwks` }).ask(await issuer.token()), [
    'predict',
    'read',
  ])
})

t.test('keys that cannot be used', async (t) => {
  const issuer = await startIssuer(t)
  const { why } = trust(t, issuer)
  const token = await issuer.token()
  const jwk = issuer.jwk() as Record<string, unknown>
  jwk['x'] = 'AAAA'
  t.equal(await why(token), 'its key cannot be used')
})
