/**
 * How long a call waits, how often and after which pause it is tried again, how much of an answer is read: as data.
 */

export interface RequestPolicy {
  /** For TCP and TLS. Of no effect where a dispatcher was injected: that has its own. */
  readonly connectTimeoutMs: number
  /** From the request, or from the last of its bytes that were taken, to the answer's headers. */
  readonly headersTimeoutMs: number
  /** Between two pieces of an answer's body. */
  readonly bodyTimeoutMs: number
  /** A whole call, with its repetitions and the pauses. Of a download until its headers are there; not of an upload. */
  readonly totalTimeoutMs: number
  /** Repetitions after the first attempt, for calls that are safe to repeat. */
  readonly retries: number
  readonly retryStatuses: readonly number[]
  /** Before the first repetition; it doubles with each. */
  readonly firstDelayMs: number
  /** No pause is longer, whatever Retry-After says. */
  readonly greatestDelayMs: number
  /** The part of a pause that is random, 0 to 1, so that many clients do not come back at once. Not of a Retry-After. */
  readonly jitter: number
  /** Of a JSON answer. */
  readonly maxResponseBytes: number
}

export const DEFAULT_POLICY: RequestPolicy = Object.freeze({
  connectTimeoutMs: 5_000,
  headersTimeoutMs: 30_000,
  bodyTimeoutMs: 30_000,
  totalTimeoutMs: 120_000,
  retries: 4,
  // Those of MLflow's Python client: mlflow/utils/request_utils.py, _TRANSIENT_FAILURE_RESPONSE_CODES.
  retryStatuses: Object.freeze([408, 429, 500, 502, 503, 504]),
  firstDelayMs: 250,
  greatestDelayMs: 10_000,
  jitter: 0.5,
  maxResponseBytes: 16 * 2 ** 20,
})

/**
 * @param repetition 0 for the first
 * @param retryAfter the header's value: seconds or a date
 */
export function delayBeforeMs(policy: RequestPolicy, repetition: number, retryAfter: string | null): number {
  const asked = retryAfter === null ? null : retryAfterMs(retryAfter)
  if (asked !== null) return Math.min(asked, policy.greatestDelayMs)
  const delayMs = Math.min(policy.firstDelayMs * 2 ** repetition, policy.greatestDelayMs)
  return delayMs * (1 - policy.jitter * Math.random())
}

/** RFC 9110, 10.2.3. @returns null if it is neither seconds nor a date */
function retryAfterMs(header: string): number | null {
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now())
}
