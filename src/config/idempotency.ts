/**
 * For how long an answer is remembered under its `Idempotency-Key`, and what that may take.
 */
import type { Reader, Setting } from './setting.ts'

export interface IdempotencyConfig {
  readonly idempotencyTtlS: number
  readonly idempotencyMaxBytes: number
  readonly idempotencyMemoryBytes: number
}

export const IDEMPOTENCY_SETTINGS = [
  {
    name: 'IDEMPOTENCY_TTL_S',
    default: '3600',
    description: 'Seconds for which an answer is remembered under its `Idempotency-Key`.',
  },
  {
    name: 'IDEMPOTENCY_MAX_BYTES',
    default: '1048576',
    description: 'Largest body of a request with an `Idempotency-Key`; a larger one gets 413.',
  },
  {
    name: 'IDEMPOTENCY_MEMORY_BYTES',
    default: '67108864',
    description:
      'Memory for remembered answers, without `REDIS_URL`; what was not asked for longest goes first.',
  },
] as const satisfies readonly Setting[]

/** What is remembered of an answer may be so much larger than the body that it is for. */
const ANSWER_TO_BODY = 8

type Name = (typeof IDEMPOTENCY_SETTINGS)[number]['name']

export function readIdempotency(read: Reader<Name>): IdempotencyConfig {
  const maxBytes = read.whole('IDEMPOTENCY_MAX_BYTES', 1024, 2 ** 30)
  const memoryBytes = read.whole('IDEMPOTENCY_MEMORY_BYTES', 1_048_576, 2 ** 34)
  if (memoryBytes < ANSWER_TO_BODY * maxBytes)
    read.fault(
      'IDEMPOTENCY_MEMORY_BYTES',
      `expected at least ${ANSWER_TO_BODY} times IDEMPOTENCY_MAX_BYTES, ${ANSWER_TO_BODY * maxBytes}, got ${memoryBytes}`,
    )
  return {
    idempotencyTtlS: read.whole('IDEMPOTENCY_TTL_S', 1, 604_800),
    idempotencyMaxBytes: maxBytes,
    idempotencyMemoryBytes: memoryBytes,
  }
}
