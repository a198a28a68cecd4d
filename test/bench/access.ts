/**
 * What it costs a request to be asked who it is: microseconds a call, without HTTP. `node test/bench/access.ts`
 */
import { exportJWK, generateKeyPair, SignJWT, createLocalJWKSet } from 'jose'
import { KeyRing } from '../../src/access/key-ring.ts'
import { makeKey } from '../../src/access/keys.ts'
import { Tokens } from '../../src/access/tokens.ts'
import { credentialOf } from '../../src/http/plugins/credentials.ts'

const KEYS = 1000
const ROUNDS = 5

const now = new Date()
const made = Array.from({ length: KEYS }, () =>
  makeKey({ name: 'n', scopes: ['predict'], created: now, expires: null }),
)
const ring = new KeyRing(made.map(({ record }) => record))
const good = made[0]!.text
const unknown = makeKey({ name: 'n', scopes: ['predict'], created: now, expires: null }).text
const headers = { host: 'h', 'user-agent': 'u', accept: '*/*', 'content-type': 'application/json' }
const request = {
  url: '/predict',
  headers: { ...headers, authorization: `Bearer ${good}` },
  rawHeaders: Object.entries({ ...headers, Authorization: `Bearer ${good}` }).flat(),
} as unknown as Parameters<typeof credentialOf>[0]

const issuer = { issuer: 'https://id.example', audience: 'day7', scopeClaim: 'scope', scopePrefix: '' }

async function tokensOf(alg: string) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg }] })
  const sign = (at: number): Promise<string> =>
    new SignJWT({ iss: issuer.issuer, aud: issuer.audience, sub: 's', scope: 'predict', jti: String(at) })
      .setProtectedHeader({ alg, kid: 'k' })
      .setExpirationTime('1h')
      .sign(privateKey)
  return { tokens: new Tokens(issuer, keys), sign }
}

function refused(text: string): void {
  try {
    ring.callerOf(text, now)
  } catch {
    return
  }
  throw new Error('expected it to be refused')
}

/** The best of some rounds: the others were disturbed. */
async function measure(name: string, count: number, call: (at: number) => unknown): Promise<void> {
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    for (let at = 0; at < count; at++) {
      const result = call(round * count + at)
      if (result instanceof Promise) await result
    }
    best = Math.min(best, ((performance.now() - start) / count) * 1000)
  }
  console.log(`${name.padEnd(44)} ${best.toFixed(2).padStart(8)} µs`)
}

await measure('headers → credential', 100_000, () => credentialOf(request))
await measure(`a key, one of ${KEYS}`, 100_000, () => ring.callerOf(good, now))
await measure('a key that nobody has, refused', 20_000, () => refused(unknown))
for (const alg of ['ES256', 'RS256']) {
  const { tokens, sign } = await tokensOf(alg)
  const known = await sign(-1)
  await tokens.callerOf(known, now)
  await measure(`a token (${alg}) that was seen before`, 100_000, () => tokens.callerOf(known, now))
  const fresh = await Promise.all(Array.from({ length: ROUNDS * 200 }, (_, at) => sign(at)))
  await measure(`a token (${alg}) that was not`, 200, (at) => tokens.callerOf(fresh[at]!, now))
}
