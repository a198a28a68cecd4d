/**
 * A request with an Idempotency-Key → the name under which its first answer is kept, and a seal that only the same request opens.
 *
 *   name           SHA-256 of caller and key
 *   sealed text    fingerprint (32 bytes), nonce (12), tag (16), AES-256-GCM of the text
 *   labelled text  fingerprint (32 bytes), the text: where nobody else can read it
 *
 * Fingerprint and AES key are the two halves of a SHA-512 of all that the request is. So whoever reads a store finds neither
 * players nor their revenue, nor can he try bodies against the fingerprint without the key that the caller made up.
 */
import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto'

export interface KeyedRequest {
  /** Null where nobody has been asked who he is. */
  readonly caller: string | null
  /** As it stands in the header. */
  readonly key: string
  /** Path and query. */
  readonly url: string
  /** As it was sent. */
  readonly body: Uint8Array
}

export interface Seal {
  readonly name: string
  close(text: string): Buffer
  /** @returns null if another request closed it; throws if it is damaged */
  open(closed: Buffer): string | null
}

const HALF_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const CIPHER = 'aes-256-gcm'

/** @param encrypts whether others can read what is closed */
export function sealOf({ caller, key, url, body }: KeyedRequest, encrypts: boolean): Seal {
  // JSON has no line break between its values: nothing can pass from one part to the next.
  const head = Buffer.from(`${JSON.stringify([caller, key, url])}\n`)
  const digest = hash('sha512', Buffer.concat([head, body]), 'buffer')
  const [secret, fingerprint] = [digest.subarray(0, HALF_BYTES), digest.subarray(HALF_BYTES)]
  return {
    name: hash('sha256', JSON.stringify([caller, key]), 'base64url'),
    close: (text) => Buffer.concat([fingerprint, encrypts ? encrypt(secret, text) : Buffer.from(text)]),
    open(closed) {
      if (!fingerprint.equals(closed.subarray(0, HALF_BYTES))) return null
      const rest = closed.subarray(HALF_BYTES)
      return encrypts ? decrypt(secret, rest) : rest.toString()
    },
  }
}

function encrypt(secret: Buffer, text: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, secret, nonce)
  const encrypted = [cipher.update(text, 'utf8'), cipher.final()]
  return Buffer.concat([nonce, cipher.getAuthTag(), ...encrypted])
}

function decrypt(secret: Buffer, bytes: Buffer): string {
  const [nonce, tag] = [bytes.subarray(0, NONCE_BYTES), bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES)]
  const decipher = createDecipheriv(CIPHER, secret, nonce, { authTagLength: TAG_BYTES })
  decipher.setAuthTag(tag)
  return Buffer.concat([
    decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)),
    decipher.final(),
  ]).toString()
}
