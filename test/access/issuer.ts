/**
 * An OIDC issuer: a real HTTP server on the loopback interface, with keys that rotate, tokens, and moods.
 */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { Test } from 'tap'

/** What it does when it is asked for its keys or its document. */
export type Mood = 'good' | 'error' | 'hanging' | 'trickling' | 'html' | 'huge' | 'redirecting' | 'no-keys'

export interface Issuer {
  readonly url: string
  mood: Mood
  /** What the discovery document says, where it says something else. */
  document: Record<string, unknown>
  /** Requests for the key set so far. */
  readonly asked: { keys: number; documents: number }
  /** Publishes a key, beside those that it has or instead of them. @returns its id */
  publish(options?: { readonly instead?: boolean; readonly alg?: string }): Promise<string>
  /** A good token, but for what is given; undefined is left out. */
  token(payload?: Record<string, unknown>, header?: Record<string, unknown>, kid?: string): Promise<string>
  /** The public key with that id. */
  jwk(kid?: string): object
}

type Key = Awaited<ReturnType<typeof generateKeyPair>>['privateKey']

export const AUDIENCE = 'https://day7.example'

export async function startIssuer(t: Test): Promise<Issuer> {
  const keys = new Map<string, { key: Key; jwk: object; alg: string }>()
  let published: string[] = []
  const server = createServer((request, response) => {
    const isKeys = request.url === '/jwks'
    asked[isKeys ? 'keys' : 'documents']++
    const good = isKeys
      ? { keys: published.map((kid) => keys.get(kid)!.jwk) }
      : { issuer: issuer.url, jwks_uri: `${issuer.url}/jwks`, ...issuer.document }
    MOODS[issuer.mood](response, good)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const asked = { keys: 0, documents: 0 }
  const newest = (): string => published.at(-1)!
  const issuer: Issuer = {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    mood: 'good',
    document: {},
    asked,
    async publish({ instead = false, alg = 'ES256' } = {}) {
      const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
      const kid = `key-${keys.size}`
      keys.set(kid, { key: privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }, alg })
      published = instead ? [kid] : [...published, kid]
      return kid
    },
    async token(payload = {}, header = {}, kid = newest()) {
      const { key, alg } = keys.get(kid)!
      const claims = {
        iss: issuer.url,
        aud: AUDIENCE,
        sub: 'player-backend',
        scope: 'predict read',
        iat: nowS(),
        exp: nowS() + 300,
        ...payload,
      }
      const whole = JSON.parse(JSON.stringify(claims)) as JWTPayload
      return new SignJWT(whole).setProtectedHeader({ alg, kid, typ: 'at+jwt', ...header }).sign(key)
    },
    jwk: (kid = newest()) => keys.get(kid)!.jwk,
  }
  await issuer.publish()
  return issuer
}

export const nowS = (): number => Math.floor(Date.now() / 1000)

const json = (response: ServerResponse, value: unknown): void => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(value))
}

const MOODS: Readonly<Record<Mood, (response: ServerResponse, good: object) => void>> = {
  good: json,
  error: (response) => response.writeHead(500).end('{}'),
  hanging: () => {},
  trickling(response) {
    const timer = setInterval(() => response.write(' '), 20)
    response.once('close', () => clearInterval(timer))
  },
  html: (response) => response.end('<!doctype html><title>Log in</title>'),
  huge(response) {
    const chunk = Buffer.alloc(65_536, ' ')
    const send = (): void => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', send)
    send()
  },
  redirecting: (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/jwks' }).end(),
  'no-keys': (response) => json(response, { keys: 'none' }),
}
