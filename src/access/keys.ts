/**
 * API keys: `day7_<id>_<secret>`. The secret is 256 random bits and is shown once; a record keeps a salted hash of it.
 *
 * One round of SHA-256 is enough, and costs a request two microseconds: slow hashes are for what people think up. The text is
 * hashed as it was sent, not the bytes that it stands for, so that no second text is as good.
 */
import { hash, randomBytes } from 'node:crypto'
import type { AccessScope } from './caller.ts'

export interface KeyRecord {
  readonly id: string
  /** For people. */
  readonly name: string
  readonly scopes: readonly AccessScope[]
  /** 32 hexadecimal digits. */
  readonly salt: string
  /** Of salt and secret, 64 hexadecimal digits. */
  readonly hash: string
  readonly created: Date
  /** Null: never. */
  readonly expires: Date | null
  readonly revoked: Date | null
  /** Id of the key that came in its place; this one is good until it expires. */
  readonly replacedBy: string | null
}

/**
 * - `active`: it is taken.
 * - `replaced`: it is taken until it expires, and another one is there.
 * - `expired`, `revoked`: it is not taken.
 */
export type KeyState = 'active' | 'replaced' | 'expired' | 'revoked'

export interface NewKey {
  readonly record: KeyRecord
  /** The key itself; kept nowhere. */
  readonly text: string
}

const ID_BYTES = 6
const SALT_BYTES = 16
const SECRET_BYTES = 32

/** The forms of what a record holds, for whoever reads records. */
export const KEY_ID = /^[0-9a-f]{12}$/
export const SALT = /^[0-9a-f]{32}$/
export const HASH = /^[0-9a-f]{64}$/
/** Printable, and short enough for a line. */
export const KEY_NAME = /^[^\p{C}\p{Zl}\p{Zp}]{1,100}$/u

const KEY = /^day7_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/
/** Begins like a key, whole or not. */
export const LOOKS_LIKE_KEY = /day7_[0-9a-f]{12}_/

export function makeKey(about: Pick<KeyRecord, 'name' | 'scopes' | 'created' | 'expires'>): NewKey {
  const id = randomBytes(ID_BYTES).toString('hex')
  const salt = randomBytes(SALT_BYTES).toString('hex')
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  return {
    record: {
      id,
      ...about,
      salt,
      hash: hashOf(salt, secret).toString('hex'),
      revoked: null,
      replacedBy: null,
    },
    text: `day7_${id}_${secret}`,
  }
}

/** @returns null: it is no key at all */
export function partsOf(text: string): { readonly id: string; readonly secret: string } | null {
  const match = KEY.exec(text)
  return match && { id: match[1]!, secret: match[2]! }
}

export function hashOf(salt: string, secret: string): Buffer {
  return hash('sha256', salt + secret, 'buffer')
}

export function stateOf({ expires, revoked, replacedBy }: KeyRecord, now: Date): KeyState {
  if (revoked) return 'revoked'
  if (expires && expires <= now) return 'expired'
  return replacedBy === null ? 'active' : 'replaced'
}
