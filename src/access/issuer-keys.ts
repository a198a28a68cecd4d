/**
 * An OIDC issuer → its signing keys, as jose asks for them. They are fetched ahead of time and kept: while the issuer is away, tokens are
 * still verified with what is known, for an hour. A token with an unknown key has them fetched anew, but seldom, so that nobody can
 * make this service beat on the issuer. No request waits longer than the time limit, and none waits for an issuer that has just failed.
 *
 * Answers are read as far as a limit, never redirected, and must be a key set; where keys lie, only the settings and the issuer say,
 * never a token.
 */
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import type { AccessLogger } from './key-follower.ts'
import { AccessRefused } from './refusal.ts'

export interface IssuerKeysOptions {
  readonly issuer: string
  /** Null: the issuer's discovery document says where. */
  readonly jwksUri: string | null
  readonly policy?: Partial<IssuerPolicy>
  readonly logger: AccessLogger
  /** Called when there are other keys than before. */
  readonly onChange: () => void
  /** A clock that never goes back; absent: the process's own. */
  readonly nowMs?: () => number
}

export interface IssuerPolicy {
  /** For both documents together. */
  readonly timeoutMs: number
  readonly maxBytes: number
  /** Age at which keys are fetched anew. */
  readonly refreshMs: number
  /** Age at which they are not used any more. Few access tokens live longer than an hour, and an issuer that is away gives no new ones. */
  readonly maxAgeMs: number
  /** Between two fetches for keys that are not known. */
  readonly cooldownMs: number
  /** Between two fetches that fail. */
  readonly retryMs: number
}

const POLICY: IssuerPolicy = {
  timeoutMs: 3_000,
  maxBytes: 262_144,
  refreshMs: 600_000,
  maxAgeMs: 3_600_000,
  cooldownMs: 30_000,
  retryMs: 5_000,
}

interface Known {
  readonly text: string
  readonly find: ReturnType<typeof createLocalJWKSet>
  readonly atMs: number
}

export class IssuerKeys {
  readonly #options: IssuerKeysOptions
  readonly #policy: IssuerPolicy
  readonly #nowMs: () => number
  #known: Known | null = null
  /** When the last fetch began. */
  #triedMs = -Infinity
  #fault: string | null = null
  #pending: Promise<void> | null = null
  #timer: NodeJS.Timeout | undefined
  readonly #stopped = new AbortController()

  constructor(options: IssuerKeysOptions) {
    this.#options = options
    this.#policy = { ...POLICY, ...options.policy }
    this.#nowMs = options.nowMs ?? (() => performance.now())
  }

  /** Begins to fetch, and does so again and again. Waits for nothing. */
  start(): void {
    const { refreshMs, retryMs } = this.#policy
    this.#fetch()
      .catch(() => {})
      .finally(() => {
        if (this.#stopped.signal.aborted) return
        this.#timer = setTimeout(() => this.start(), this.#fault === null ? refreshMs : retryMs).unref()
      })
  }

  stop(): void {
    this.#stopped.abort()
    clearTimeout(this.#timer)
  }

  /** Why the last fetch failed; null: it did not. */
  fault(): string | null {
    return this.#fault
  }

  /** @throws jose's errors for a token that has no key here; ACCESS_UNAVAILABLE where there is no telling */
  readonly resolve: JWTVerifyGetKey = async (header, token) => {
    const known = this.#usable() ?? (await this.#fetched())
    try {
      return await known.find(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      const sinceMs = this.#nowMs() - this.#triedMs
      if (this.#pending === null && this.#fault === null && sinceMs < this.#policy.cooldownMs) throw error
      return (await this.#fetched()).find(header, token)
    }
  }

  #usable(): Known | null {
    const known = this.#known
    return known && this.#nowMs() - known.atMs < this.#policy.maxAgeMs ? known : null
  }

  async #fetched(): Promise<Known> {
    const hasJustFailed =
      this.#fault !== null && this.#nowMs() - this.#triedMs < this.#policy.retryMs && !this.#pending
    if (!hasJustFailed)
      try {
        await this.#fetch()
        return this.#known!
      } catch {
        // The fault is kept.
      }
    throw new AccessRefused(
      'ACCESS_UNAVAILABLE',
      'the keys of the token issuer cannot be had now, so no token can be verified',
    )
  }

  /** One at a time. */
  #fetch(): Promise<void> {
    this.#pending ??= this.#renew().finally(() => (this.#pending = null))
    return this.#pending
  }

  async #renew(): Promise<void> {
    const { issuer, logger, onChange } = this.#options
    this.#triedMs = this.#nowMs()
    try {
      const text = await this.#keySet()
      const before = this.#known?.text
      const find = text === before ? this.#known!.find : createLocalJWKSet(JSON.parse(text) as JSONWebKeySet)
      this.#known = { text, find, atMs: this.#nowMs() }
      if (this.#fault !== null || before === undefined)
        logger.info({ issuer }, 'access: the keys of the token issuer are here')
      this.#fault = null
      if (before !== undefined && text !== before) onChange()
    } catch (error) {
      if (this.#stopped.signal.aborted) throw error
      const fault = reasonOf(error)
      if (fault !== this.#fault)
        logger.error({ issuer, reason: fault }, 'access: the keys of the token issuer cannot be had')
      this.#fault = fault
      throw error
    }
  }

  async #keySet(): Promise<string> {
    const { issuer, jwksUri } = this.#options
    const signal = AbortSignal.any([AbortSignal.timeout(this.#policy.timeoutMs), this.#stopped.signal])
    const text = await this.#get(jwksUri ?? (await this.#discovered(issuer, signal)), signal)
    const keys = Array.isArray(objectOf(text)['keys'])
    if (!keys) throw new Error('expected a key set, {"keys": [...]}')
    return text
  }

  async #discovered(issuer: string, signal: AbortSignal): Promise<string> {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    const { issuer: named, jwks_uri: jwksUri } = objectOf(await this.#get(url, signal))
    if (named !== issuer)
      throw new Error(`expected ${url} to name the issuer ${issuer}, got ${JSON.stringify(named)}`)
    if (typeof jwksUri !== 'string' || !isTrustworthy(jwksUri))
      throw new Error(`expected ${url} to have an https jwks_uri, got ${JSON.stringify(jwksUri)}`)
    return jwksUri
  }

  async #get(url: string, signal: AbortSignal): Promise<string> {
    const { maxBytes } = this.#policy
    const response = await fetch(url, {
      signal,
      redirect: 'error',
      headers: { accept: 'application/json, application/jwk-set+json' },
    })
    const chunks: Uint8Array[] = []
    let bytes = 0
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new Error(`expected status 200 from ${url}, got ${response.status}`)
    }
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength
      if (bytes > maxBytes) throw new Error(`expected at most ${maxBytes} bytes from ${url}, got more`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString()
  }
}

const LOCAL = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Whether nobody on the way can change what comes from there. */
export function isTrustworthy(address: string): boolean {
  const url = URL.parse(address)
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && LOCAL.test(url.hostname))
}

function objectOf(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Error('expected JSON from the token issuer, got something else')
  }
  if (typeof value !== 'object' || value === null)
    throw new Error('expected a JSON object from the token issuer')
  return value as Record<string, unknown>
}

/** fetch's own errors say little; their cause does. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  const { code } = (cause ?? {}) as { code?: string }
  return code ?? (cause instanceof Error ? `${message}: ${cause.message}` : message)
}
