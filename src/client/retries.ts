/**
 * A request → an answer, asked for again where that may help and can do no harm: where the service says that it has no time, or where
 * nothing came back; and only what may be repeated, which a prediction is by its Idempotency-Key.
 */
import { Day7Error } from './errors.ts'

export interface RetryPolicy {
  /** In all. */
  readonly attempts: number
  /** Of one attempt. */
  readonly timeoutMs: number
  /** Before the second attempt at most; twice as much before each next one. A random part of it is waited. */
  readonly firstDelayMs: number
  /** Never longer, whatever the service asks for. */
  readonly maxDelayMs: number
}

export const RETRIES: RetryPolicy = { attempts: 4, timeoutMs: 5_000, firstDelayMs: 100, maxDelayMs: 5_000 }

/** Too many requests; a gateway without a service; not available now; and a first request with the same key that still runs. */
const PASSING = new Set([409, 429, 502, 503, 504])
const REPEATABLE = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])

export type Fetch = (request: Request) => Promise<Response>

/** @throws Day7Error `UNREACHABLE` if no attempt had an answer; what the caller's own signal throws */
export function retrying(policy: RetryPolicy, fetch: Fetch, random: () => number = Math.random): Fetch {
  return async (request) => {
    const mayRepeat = REPEATABLE.has(request.method) || request.headers.has('idempotency-key')
    const attempts = mayRepeat ? policy.attempts : 1
    for (let attempt = 1; ; attempt++) {
      const backOffMs = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (attempt - 1)) * random()
      try {
        const response = await once(request, policy.timeoutMs, fetch)
        const asked = response.headers.get('retry-after')
        // A conflict that does not say when to come back is one that stays.
        const passes = PASSING.has(response.status) && (response.status !== 409 || asked !== null)
        if (!passes || attempt === attempts) return response
        await response.body?.cancel()
        await pause(Math.min(policy.maxDelayMs, asked ? Number(asked) * 1000 : backOffMs), request.signal)
      } catch (cause) {
        if (request.signal.aborted) throw cause
        if (attempt >= attempts) {
          const { origin } = new URL(request.url)
          throw new Day7Error(0, 'UNREACHABLE', `${origin} has not answered, asked ${attempt} times`, {
            cause,
          })
        }
        await pause(backOffMs, request.signal)
      }
    }
  }
}

function once(request: Request, timeoutMs: number, fetch: Fetch): Promise<Response> {
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)])
  return fetch(new Request(request.clone(), { signal }))
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      if (signal.aborted) reject(signal.reason as Error)
      else resolve()
    }
  })
}
