/**
 * OAuth 2 access tokens (JWT) of one OIDC issuer → callers. Signed by the issuer with an asymmetric key, for this audience, not expired,
 * with scopes in a claim; all else is refused. jose verifies; what was verified is remembered until it expires, by its hash.
 */
import { hash } from 'node:crypto'
import { errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey } from 'jose'
import { type Caller, isScope } from './caller.ts'
import { AccessRefused } from './refusal.ts'

export interface TokenOptions {
  readonly issuer: string
  readonly audience: string
  /** A claim with scopes between spaces, or in an array; or a path of claims between dots. */
  readonly scopeClaim: string
  /** Stands before each scope that is meant for this service; the others are passed over. */
  readonly scopePrefix: string
}

/** No secret that two sides share, and no `none`: a public key can only verify. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]
/** Clocks differ a little. */
const CLOCK_TOLERANCE_S = 30
const REMEMBERED_TOKENS = 10_000

interface Verified {
  readonly caller: Caller
  readonly expiresMs: number
}

export class Tokens {
  readonly #options: TokenOptions
  readonly #keys: JWTVerifyGetKey
  readonly #verified = new Map<string, Verified>()
  /** Which keys verified what is remembered. */
  #generation = 0

  constructor(options: TokenOptions, keys: JWTVerifyGetKey) {
    this.#options = options
    this.#keys = keys
  }

  /** The keys are others than before: nothing that they verified counts any more. */
  forget(): void {
    this.#generation++
    this.#verified.clear()
  }

  /** A promise only for a token that was not seen before. @throws AccessRefused */
  callerOf(token: string, now: Date): Caller | Promise<Caller> {
    const digest = hash('sha256', token, 'base64')
    const verified = this.#verified.get(digest)
    if (!verified) return this.#verify(token, digest, now)
    if (now.getTime() < verified.expiresMs) return verified.caller
    this.#verified.delete(digest)
    throw new AccessRefused('TOKEN_EXPIRED', 'this token has expired')
  }

  async #verify(token: string, digest: string, now: Date): Promise<Caller> {
    const { issuer, audience } = this.#options
    const generation = this.#generation
    const { payload } = await jwtVerify(token, this.#keys, {
      issuer,
      audience,
      algorithms: ALGORITHMS,
      clockTolerance: CLOCK_TOLERANCE_S,
      currentDate: now,
      requiredClaims: ['exp'],
    }).catch((error: unknown) => {
      throw refusalOf(error)
    })
    const caller = callerIn(payload, this.#options)
    if (generation === this.#generation) {
      const [oldest] = this.#verified.size < REMEMBERED_TOKENS ? [] : this.#verified.keys()
      if (oldest !== undefined) this.#verified.delete(oldest)
      this.#verified.set(digest, { caller, expiresMs: (payload.exp! + CLOCK_TOLERANCE_S) * 1000 })
    }
    return caller
  }
}

function callerIn(payload: JWTPayload, { scopeClaim, scopePrefix }: TokenOptions): Caller {
  const client = payload['client_id'] ?? payload['azp']
  const name = String(client ?? payload.sub ?? 'unknown')
  const claim = claimAt(payload, scopeClaim)
  const texts: unknown[] = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : []
  const scopes = texts.flatMap((text) =>
    typeof text === 'string' && text.startsWith(scopePrefix) ? [text.slice(scopePrefix.length)] : [],
  )
  return Object.freeze({
    id: `token:${payload.sub ?? name}`,
    name,
    scopes: new Set<string>(scopes.filter(isScope)),
  })
}

/** A claim of that very name goes before a path: names may be URLs. */
function claimAt(payload: JWTPayload, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name]
  let value: unknown = payload
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<string, unknown>)[part]
  }
  return value
}

/** What jose found wrong, in words for the one who sent the token. */
const CLAIMS: Readonly<Record<string, string>> = {
  iss: 'it is of another issuer',
  aud: 'it is for another audience',
  nbf: 'it is not valid yet',
  exp: 'it has no time of expiry',
}

function refusalOf(cause: unknown): unknown {
  const refuse = (why: string): AccessRefused =>
    new AccessRefused('TOKEN_INVALID', `this token is not taken: ${why}`, { cause })
  if (cause instanceof AccessRefused) return cause
  if (cause instanceof errors.JWTExpired)
    return new AccessRefused('TOKEN_EXPIRED', 'this token has expired', { cause })
  if (cause instanceof errors.JWTClaimValidationFailed)
    return refuse(CLAIMS[cause.claim] ?? `its claim ${cause.claim} is not as expected`)
  if (cause instanceof errors.JOSEAlgNotAllowed || cause instanceof errors.JOSENotSupported)
    return refuse(`expected it to be signed with one of ${ALGORITHMS.join(', ')}`)
  if (cause instanceof errors.JWKSNoMatchingKey) return refuse('its key is none of the issuer’s')
  if (cause instanceof errors.JWKSMultipleMatchingKeys)
    return refuse('it does not say which of the issuer’s keys has signed it')
  if (cause instanceof errors.JWSSignatureVerificationFailed) return refuse('its signature is wrong')
  if (cause instanceof errors.JOSEError) return refuse('it is no signed JWT')
  // A key of the issuer that cannot be used, such as one that is too short.
  if (cause instanceof TypeError || cause instanceof DOMException) return refuse('its key cannot be used')
  return cause
}
