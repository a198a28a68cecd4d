/**
 * Outcomes: the revenue that really came, for one prediction or for all predictions of a user. Of several for the same key the
 * one observed last counts, so that sending one again, in any order, changes nothing. They are matched with predictions when they
 * are settled (installs.ts); one whose prediction is not there yet waits.
 */
import type { Sql } from 'postgres'
import { transact } from '../../database/index.ts'

export interface Outcome {
  /** Exactly one of the two is set. */
  readonly predictionId: string | null
  readonly userId: string | null
  /** Within the horizon, counted from the install, in the unit of the training data; ≥ 0. */
  readonly revenue: number
  readonly observedAt: Date
}

export async function upsertOutcomes(sql: Sql, outcomes: readonly Outcome[]): Promise<void> {
  const latest = new Map<string, Outcome>()
  for (const outcome of outcomes) {
    const key = outcome.predictionId?.toLowerCase() ?? ` ${outcome.userId}`
    const other = latest.get(key)
    if (!other || outcome.observedAt >= other.observedAt) latest.set(key, outcome)
  }
  const rows = [...latest.values()]
  await transact(sql, async (transaction) => {
    for (const key of ['prediction_id', 'user_id'] as const) {
      const some = rows.filter((row) => (key === 'prediction_id') === (row.predictionId !== null))
      if (some.length === 0) continue
      // In the order of the key: two requests never wait for each other in a circle.
      await transaction`
        insert into outcomes (${transaction(key)}, install_id, revenue, observed_at)
        select key::${transaction.unsafe(key === 'prediction_id' ? 'uuid' : 'text')},
          ${key === 'prediction_id' ? transaction`null` : transaction`day7_hash(key)`}, revenue, observed_at
        from unnest(
          ${some.map((row) => row.predictionId ?? row.userId!)}::text[],
          ${some.map((row) => row.revenue)}::double precision[],
          ${some.map((row) => row.observedAt.toISOString())}::timestamptz[]
        ) as row (key, revenue, observed_at)
        order by 1
        on conflict (${transaction(key)}) do update
          set revenue = excluded.revenue, observed_at = excluded.observed_at, received_at = now(), settled = false
          where excluded.observed_at >= outcomes.observed_at`
    }
  })
}
