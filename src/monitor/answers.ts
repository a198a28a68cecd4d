/**
 * Figures of the answers that are remembered under their Idempotency-Key.
 */
import { counter, type Metric } from './metric.ts'

/** What is read of them. */
export interface WatchedAnswers {
  counts(): { readonly replays: number; readonly reused: number; readonly unguarded: number }
}

export function answerMetrics(answers: WatchedAnswers): Metric[] {
  return [
    counter(
      'day7_idempotent_replays_total',
      'Requests that got the answer that was given before under their Idempotency-Key.',
      () => answers.counts().replays,
    ),
    counter(
      'day7_idempotency_keys_reused_total',
      'Requests that were refused because their Idempotency-Key was used with another one.',
      () => answers.counts().reused,
    ),
    counter(
      'day7_idempotency_unguarded_total',
      'Requests whose Idempotency-Key could not be remembered or looked for.',
      () => answers.counts().unguarded,
    ),
  ]
}
