/**
 * A request with an Idempotency-Key → the name under which its first answer is kept, and a seal that only the same request opens.
 *
 *   name          SHA-256 of caller and key
 *   sealed text   fingerprint (32 bytes), nonce (12), tag (16), AES-256-GCM of the text
 *
 * Fingerprint and AES key are the two halves of a SHA-512 of all that the request is. So whoever reads the store finds neither
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
  open(sealed: Buffer): string | null
}

const HALF_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const CIPHER = 'aes-256-gcm'

export function sealOf({ caller, key, url, body }: KeyedRequest): Seal {
  // JSON has no line break between its values: nothing can pass from one part to the next.
  const head = Buffer.from(`${JSON.stringify([caller, key, url])}\n`)
  const digest = hash('sha512', Buffer.concat([head, body]), 'buffer')
  const [secret, fingerprint] = [digest.subarray(0, HALF_BYTES), digest.subarray(HALF_BYTES)]
  return {
    name: hash('sha256', JSON.stringify([caller, key]), 'base64url'),
    close(text) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(CIPHER, secret, nonce)
      const sealed = [cipher.update(text, 'utf8'), cipher.final()]
      return Buffer.concat([fingerprint, nonce, cipher.getAuthTag(), ...sealed])
    },
    open(sealed) {
      if (!fingerprint.equals(sealed.subarray(0, HALF_BYTES))) return null
      const [nonceEnd, tagEnd] = [HALF_BYTES + NONCE_BYTES, HALF_BYTES + NONCE_BYTES + TAG_BYTES]
      const decipher = createDecipheriv(CIPHER, secret, sealed.subarray(HALF_BYTES, nonceEnd), {
        authTagLength: TAG_BYTES,
      })
      decipher.setAuthTag(sealed.subarray(nonceEnd, tagEnd))
      return Buffer.concat([decipher.update(sealed.subarray(tagEnd)), decipher.final()]).toString()
    },
  }
}
