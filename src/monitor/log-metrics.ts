/**
 * The prediction log's figures: its state, what waits in the spool, what became of the predictions.
 */
import { counter, gauge, type Metric } from './metric.ts'

/** What is read of the prediction log. */
export interface WatchedLog {
  status(): {
    readonly state: string
    readonly spooled: number
    readonly shipped: number
    readonly dropped: number
    readonly quarantined: number
    readonly spool: { readonly bytes: number; readonly segments: number; readonly oldestMs: number | null }
  }
}

const STATES = ['connecting', 'shipping', 'backing-off', 'draining', 'closed', 'off']

export function logMetrics(log: WatchedLog, now: () => Date): Metric[] {
  const ageS = (): number => {
    const { oldestMs } = log.status().spool
    return oldestMs === null ? 0 : Math.max(0, (now().getTime() - oldestMs) / 1000)
  }
  return [
    gauge('day7_log_state', 'State of the prediction log: 1 for the one that it is in.', 'max', () => {
      const { state } = log.status()
      return STATES.map((name) => ({ labels: { state: name }, value: name === state ? 1 : 0 }))
    }),
    gauge(
      'day7_log_spool_bytes',
      'Size of the predictions that are not in the database yet.',
      'sum',
      () => log.status().spool.bytes,
    ),
    gauge('day7_log_spool_segments', 'Files that they lie in.', 'sum', () => log.status().spool.segments),
    gauge(
      'day7_log_oldest_record_age_seconds',
      'Age of the oldest of them; 0 if there is none.',
      'max',
      ageS,
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
  ]
}
