/**
 * All keys that are known → whose key this is. Never changes: other keys make another ring.
 *
 * A key is found by its id, and its secret compared by its hash in constant time. An id that nobody has costs the same comparison.
 * That a key is expired or revoked learns only who has its secret.
 */
import { timingSafeEqual } from 'node:crypto'
import type { Caller } from './caller.ts'
import { hashOf, type KeyRecord, makeKey, partsOf } from './keys.ts'
import { AccessRefused } from './refusal.ts'

/** Said of what is no key. */
export const NO_KEY = 'expected a key, day7_…, got something that is none'

interface Entry {
  readonly caller: Caller
  readonly salt: string
  readonly hash: Buffer
  readonly expires: Date | null
  readonly revoked: Date | null
}

export class KeyRing {
  readonly #entries: ReadonlyMap<string, Entry>
  readonly #nobody: Entry
  readonly #isEqual: typeof timingSafeEqual

  /** @param isEqual in constant time */
  constructor(records: readonly KeyRecord[], isEqual = timingSafeEqual) {
    this.#entries = new Map(records.map((record) => [record.id, entryOf(record)]))
    this.#nobody = entryOf(
      makeKey({ name: 'nobody', scopes: [], created: new Date(0), expires: null }).record,
    )
    this.#isEqual = isEqual
  }

  /** How many there are, with those that are not taken any more. */
  get size(): number {
    return this.#entries.size
  }

  /** @throws AccessRefused */
  callerOf(text: string, now: Date): Caller {
    const parts = partsOf(text)
    if (!parts) throw new AccessRefused('CREDENTIALS_INVALID', NO_KEY)
    const found = this.#entries.get(parts.id)
    const entry = found ?? this.#nobody
    const isRight = this.#isEqual(hashOf(entry.salt, parts.secret), entry.hash)
    if (!found || !isRight) throw new AccessRefused('KEY_UNKNOWN', 'there is no such key')
    if (entry.revoked) throw new AccessRefused('KEY_REVOKED', 'this key was revoked')
    if (entry.expires && entry.expires <= now)
      throw new AccessRefused('KEY_EXPIRED', `this key expired at ${entry.expires.toISOString()}`)
    return entry.caller
  }
}

function entryOf({ id, name, scopes, salt, hash, expires, revoked }: KeyRecord): Entry {
  return {
    caller: Object.freeze({ id: `key:${id}`, name, scopes: new Set<string>(scopes) }),
    salt,
    hash: Buffer.from(hash, 'hex'),
    expires,
    revoked,
  }
}
