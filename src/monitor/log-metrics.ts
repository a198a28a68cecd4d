/**
 * The prediction log's figures: its state, what waits in the spool, what became of the predictions.
 */
import { counter, gauge, type Metric, type Sample, summary } from './metric.ts'

/** What is read of the prediction log. */
export interface WatchedLog {
  status(): {
    readonly state: string
    readonly spooled: number
    readonly shipped: number
    readonly dropped: number
    readonly quarantined: number
    readonly erased: number
    readonly breaker: string
    readonly failures: number
    readonly clockOffsetMs: number | null
    readonly shipments: { readonly count: number; readonly seconds: number }
    readonly spool: {
      readonly bytes: number
      readonly segments: number
      readonly oldestMs: number | null
      readonly stranded: { readonly segments: number; readonly bytes: number }
    }
  }
}

const STATES = ['connecting', 'shipping', 'backing-off', 'draining', 'closed', 'off']
const BREAKER_STATES = ['closed', 'open', 'half-open']

export function logMetrics(log: WatchedLog, now: () => Date): Metric[] {
  const ageS = (): number => {
    const { oldestMs } = log.status().spool
    return oldestMs === null ? 0 : Math.max(0, (now().getTime() - oldestMs) / 1000)
  }
  return [
    gauge('day7_log_state', 'State of the prediction log: 1 for the one that it is in.', 'max', () => {
      return oneOf(STATES, log.status().state)
    }),
    gauge(
      'day7_log_spool_bytes',
      'Size of the predictions that are not in the database yet.',
      'sum',
      () => log.status().spool.bytes,
    ),
    gauge('day7_log_spool_segments', 'Files of the spool.', 'sum', () => log.status().spool.segments),
    gauge(
      'day7_log_oldest_record_age_seconds',
      'Age of the oldest prediction that is not in the database yet; 0 if there is none.',
      'max',
      ageS,
    ),
    gauge(
      'day7_log_stranded_segments',
      'Files of the spool that another process left and that this one cannot take over.',
      'max',
      () => log.status().spool.stranded.segments,
    ),
    counter('day7_log_spooled_total', 'Predictions that are safe in the spool.', () => log.status().spooled),
    counter('day7_log_shipped_total', 'Predictions that the database took.', () => log.status().shipped),
    counter(
      'day7_log_dropped_total',
      'Predictions that were answered, but could not be kept.',
      () => log.status().dropped,
    ),
    counter(
      'day7_log_quarantined_total',
      'Parts of the spool that were no records, and records that the database refused.',
      () => log.status().quarantined,
    ),
    counter(
      'day7_log_erased_total',
      'Predictions that were left out because their users were erased after they were made.',
      () => log.status().erased,
    ),
    gauge(
      'day7_log_clock_offset_seconds',
      'How far the clock of the host is from that of the database.',
      'max',
      () => Math.abs(log.status().clockOffsetMs ?? 0) / 1000,
    ),
    ...databaseMetrics(log),
  ]
}

function databaseMetrics(log: WatchedLog): Metric[] {
  return [
    gauge(
      'day7_database_breaker_state',
      'State of the circuit breaker before the database: 1 for the one that it is in. While it is open, nothing is tried.',
      'max',
      () => oneOf(BREAKER_STATES, log.status().breaker),
    ),
    counter(
      'day7_database_failures_total',
      'Attempts to reach the database, or to ship to it, that failed.',
      () => log.status().failures,
    ),
    summary(
      'day7_database_shipment_seconds',
      'Shipments that the database took, and the time they needed.',
      () => {
        const { count, seconds } = log.status().shipments
        return [{ labels: {}, total: { sum: seconds, count } }]
      },
    ),
  ]
}

const oneOf = (states: readonly string[], current: string): Sample[] =>
  states.map((state) => ({ labels: { state }, value: state === current ? 1 : 0 }))
