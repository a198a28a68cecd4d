/**
 * What every error looks like.
 */
import { type TSchema, Type } from 'typebox'

export const Failure = Type.Object(
  {
    statusCode: Type.Integer(),
    code: Type.Optional(Type.String({ description: 'A stable name of the error.' })),
    error: Type.String({ description: 'The status in words.' }),
    message: Type.String({ description: 'The field, what was expected, and what came.' }),
  },
  { $id: 'Failure', description: 'An error.' },
)

const FailureRef = Type.Unsafe<Record<string, unknown>>({ $ref: 'Failure#' })

const MEANINGS = {
  400: 'The request is not as described; the message says where.',
  401: 'There is no valid key or token; WWW-Authenticate says what is expected.',
  403: 'Not for this caller.',
  404: 'There is no such thing.',
  406: 'The caller accepts nothing that there is.',
  408: 'Nothing came any more before the request was complete.',
  413: 'The body is larger than BODY_LIMIT_BYTES, or than IDEMPOTENCY_MAX_BYTES where it comes with an Idempotency-Key.',
  415: 'The body is of a type that is not taken here.',
  421: 'Not under this name, which is none of ALLOWED_HOSTS.',
  422: 'The Idempotency-Key was used with another request before.',
  429: 'Too many requests; Retry-After says when there are more.',
  500: 'A fault of the service. Its log has the details, under the request id.',
  503: 'Not available now; try again.',
}

type Status = keyof typeof MEANINGS

/** What any route may answer that asks for a key. */
const EVERYWHERE = [400, 401, 403, 429, 500, 503] as const

/** Response schemas of errors in a form. */
export function failuresAs(form: TSchema) {
  /** Responses with these statuses and 421, for a route that is open to all. */
  const failuresOnly = (...statuses: Status[]): Record<number, typeof FailureRef> =>
    Object.fromEntries(
      [...statuses, 421 as const].map((status) => [
        status,
        Type.Unsafe<Record<string, unknown>>({ ...form, description: MEANINGS[status] }),
      ]),
    )
  /** Of these statuses, and of those that any route has that asks for a key. */
  const failures = (...statuses: Status[]) => failuresOnly(...new Set([...statuses, ...EVERYWHERE]))
  return { failures, failuresOnly }
}

/** In the service's own form. */
export const { failures, failuresOnly } = failuresAs(FailureRef)
