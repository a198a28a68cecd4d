/**
 * What a caller shows → who he is and what he may do. Keys are looked up at once; a token that was not seen before is verified first.
 *
 * Whether callers are asked at all is a state that only ever goes from no to yes: where the settings leave it open, the first key
 * closes the door, and no fault and no revocation opens it again.
 */
import type { Caller } from './caller.ts'
import type { KeyFollower, KeyFollowerState } from './key-follower.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { NO_KEY } from './key-ring.ts'
import { stateOf } from './keys.ts'
import { AccessRefused, type RefusalCode } from './refusal.ts'
import type { Tokens } from './tokens.ts'

export interface AccessControl {
  /** Whether callers are asked who they are. */
  isEnforced(): boolean
  /** Whether `/metrics` asks for the scope `read`. */
  readonly guardsMetrics: boolean
  /** Whether nobody can be let in, since it is not known who may. */
  isBlind(): boolean
  /** A promise only for a token that was not seen before. @throws AccessRefused */
  callerOf(credential: string): Caller | Promise<Caller>
  /** Of refusals, for the figures. */
  count(code: RefusalCode): void
  status(): AccessStatus
  close(): void
}

export interface AccessOptions {
  /** `auto`: from the first key on. */
  readonly mode: 'on' | 'auto'
  readonly keys: Pick<KeyFollower, 'ring' | 'records' | 'state' | 'start' | 'stop'>
  /** Null: tokens are not taken. */
  readonly issuer: {
    readonly keys: Pick<IssuerKeys, 'fault' | 'start' | 'stop'>
    readonly tokens: Tokens
  } | null
  readonly guardsMetrics: boolean
  readonly now: () => Date
}

export interface AccessStatus {
  readonly isEnforced: boolean
  /** Null: nobody will ever be asked. */
  readonly keys: KeyFollowerState | null
  /** When the next active key expires; null: none does. */
  readonly nextExpiry: Date | null
  /** Null: there is none. */
  readonly issuer: 'current' | 'unreachable' | null
  /** Requests that were refused since the start, by code. */
  readonly refusals: Readonly<Record<string, number>>
}

export class Access implements AccessControl {
  readonly #options: AccessOptions
  readonly #refusals: Record<string, number> = {}
  #isEnforced: boolean
  readonly guardsMetrics: boolean

  constructor(options: AccessOptions) {
    this.#options = options
    this.guardsMetrics = options.guardsMetrics
    this.#isEnforced = options.mode === 'on'
  }

  /** Begins to follow keys and issuer. @returns when the keys were read, or could not be */
  async open(): Promise<void> {
    this.#options.issuer?.keys.start()
    await this.#options.keys.start()
  }

  close(): void {
    this.#options.issuer?.keys.stop()
    this.#options.keys.stop()
  }

  isEnforced(): boolean {
    if (!this.#isEnforced && this.#options.mode === 'auto')
      this.#isEnforced = this.#options.keys.ring().size > 0
    return this.#isEnforced
  }

  isBlind(): boolean {
    const { keys, issuer } = this.#options
    return this.isEnforced() && keys.state() === 'unknown' && issuer?.keys.fault() !== null
  }

  callerOf(credential: string): Caller | Promise<Caller> {
    const { keys, issuer, now } = this.#options
    if (credential.startsWith(KEY_PREFIX)) {
      if (keys.state() === 'unknown')
        throw new AccessRefused('ACCESS_UNAVAILABLE', 'the keys cannot be read yet, so none can be checked')
      return keys.ring().callerOf(credential, now())
    }
    if (issuer) return issuer.tokens.callerOf(credential, now())
    throw new AccessRefused('CREDENTIALS_INVALID', NO_KEY)
  }

  count(code: RefusalCode): void {
    this.#refusals[code] = (this.#refusals[code] ?? 0) + 1
  }

  status(): AccessStatus {
    const { keys, issuer, now } = this.#options
    const time = now()
    const expiries = keys
      .records()
      .flatMap((record) => (record.expires && stateOf(record, time) === 'active' ? [record.expires] : []))
    return {
      isEnforced: this.isEnforced(),
      keys: keys.state(),
      nextExpiry: expiries.toSorted((a, b) => a.getTime() - b.getTime())[0] ?? null,
      issuer: issuer && (issuer.keys.fault() === null ? 'current' : 'unreachable'),
      refusals: { ...this.#refusals },
    }
  }
}

const KEY_PREFIX = 'day7_'

/** `AUTH=off`: nobody is asked. */
export function withoutAccess(): AccessControl {
  const status: AccessStatus = { isEnforced: false, keys: null, nextExpiry: null, issuer: null, refusals: {} }
  return {
    isEnforced: () => false,
    isBlind: () => false,
    guardsMetrics: false,
    callerOf() {
      throw new AccessRefused('ACCESS_UNAVAILABLE', 'access control is off')
    },
    count: () => {},
    status: () => status,
    close: () => {},
  }
}
