/**
 * Figures of the limits: requests that were refused, and whether they are counted in Redis.
 */
import { counter, gauge, type Metric } from './metric.ts'

/** What is read of the requests that were refused. */
export interface WatchedRefusals {
  counts(): { readonly limited: Readonly<Record<string, number>>; readonly shed: number }
}

/** What is read of where requests are counted. */
export interface WatchedCounts {
  sharedState(): string
}

const SHARED_STATES = ['off', 'connecting', 'shared', 'away']

export function limitMetrics(refusals: WatchedRefusals, counts: WatchedCounts): Metric[] {
  return [
    counter(
      'day7_requests_limited_total',
      'Requests that were refused since their caller, or their address, asked too often.',
      () => Object.entries(refusals.counts().limited).map(([by, value]) => ({ labels: { by }, value })),
    ),
    counter(
      'day7_requests_shed_total',
      'Requests that were refused since there were more than could be answered in time.',
      () => refusals.counts().shed,
    ),
    gauge(
      'day7_request_counts_state',
      'Whether rate limits are counted in Redis: 1 for the state that it is in.',
      'max',
      () => {
        const current = counts.sharedState()
        return SHARED_STATES.map((state) => ({ labels: { state }, value: Number(state === current) }))
      },
    ),
  ]
}
