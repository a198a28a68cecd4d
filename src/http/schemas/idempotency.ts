/**
 * The header by which a request can be sent again and is answered once.
 */
import { Type } from 'typebox'

export const IDEMPOTENCY_KEY = 'idempotency-key'
export const REPLAYED = 'idempotency-replayed'

export const IdempotencyHeaders = Type.Object({
  [IDEMPOTENCY_KEY]: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: '^[!-~]*$',
      'x-expected': 'visible ASCII characters without spaces',
      description:
        'A name for this request that no other has, for instance a UUID. Sent again with the same key, the request gets its first answer, byte for byte and with the header `idempotency-replayed: true`, and is logged once. The same key with another request gets 422. Errors are not remembered.',
    }),
  ),
})
