/**
 * What requests are counted as: how many, how long, with which status, on which route. A route is its template and never what was asked
 * for, so callers cannot make series; all that is on no route is one.
 */
import { Buckets } from './buckets.ts'
import { counter, gauge, histogram, type Metric } from './metric.ts'

/** An answer of one install takes a fraction of a millisecond, a batch of thousands a good part of a second. */
const DURATION_BOUNDS_S = [
  0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
]

/** The route of what is on none. */
export const UNMATCHED = 'unmatched'

/** Codes are the service's own, and a few dozen; whoever makes them of what came shall not fill the memory. */
const MAX_CODES = 200

/** Methods that have series of their own where no route was matched. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

export class RequestFigures {
  readonly #series = new Map<string, Series>()
  readonly #errors = new Map<string, ErrorCount>()
  #last: Series | undefined
  #inFlight = 0

  begin(): void {
    this.#inFlight++
  }

  /** @param route undefined where there is none */
  end(method: string, route: string | undefined, status: number, durationMs: number): void {
    this.#inFlight--
    let series = this.#last
    // Most requests are like the one before.
    if (!series || series.status !== status || series.asked !== route || series.method !== method)
      series = this.#last = this.#seriesOf(method, route, status)
    series.buckets.observe(durationMs / 1000)
  }

  /** An answer with an error, by the code that the caller was told. */
  error(status: number, code: string): void {
    const shown = this.#errors.size < MAX_CODES || this.#errors.has(`${status} ${code}`) ? code : 'other'
    const key = `${status} ${shown}`
    let count = this.#errors.get(key)
    if (!count) this.#errors.set(key, (count = { status, code: shown, value: 0 }))
    count.value++
  }

  metrics(): Metric[] {
    return [
      histogram(
        'http_request_duration_seconds',
        'Requests, by how long they took, from the head of the request to the last byte of the answer. Status 499: the caller left before.',
        () =>
          [...this.#series.values()].map(({ method, route, status, buckets }) => ({
            labels: { method, route, status: String(status) },
            buckets,
          })),
      ),
      gauge('http_requests_in_flight', 'Requests that are being answered.', 'sum', () => this.#inFlight),
      counter('day7_request_errors_total', 'Requests that were answered with an error, by its code.', () =>
        [...this.#errors.values()].map(({ status, code, value }) => ({
          labels: { status: String(status), code },
          value,
        })),
      ),
    ]
  }

  #seriesOf(method: string, asked: string | undefined, status: number): Series {
    const route = asked ?? UNMATCHED
    const shown = asked !== undefined || METHODS.has(method) ? method : 'other'
    const key = `${shown} ${status} ${route}`
    const found = this.#series.get(key)
    if (found) return found
    const series = { method: shown, asked, route, status, buckets: new Buckets(DURATION_BOUNDS_S) }
    this.#series.set(key, series)
    return series
  }
}

interface Series {
  readonly method: string
  readonly asked: string | undefined
  readonly route: string
  readonly status: number
  readonly buckets: Buckets
}

interface ErrorCount {
  readonly status: number
  readonly code: string
  value: number
}
