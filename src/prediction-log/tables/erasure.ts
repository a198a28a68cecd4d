/**
 * Erases a user: their predictions and outcomes, and those that still wait in some process's spool: shipments leave out what was made for them
 * until now, which is told by the database's clock. A hash of the id is kept until the retention is over.
 */
import type { Sql } from 'postgres'
import { ERASURE_LOCK } from './predictions.ts'
import { transact } from '../../database/index.ts'

export interface Erasure {
  readonly predictions: number
  readonly outcomes: number
}

export async function eraseUser(sql: Sql, userId: string): Promise<Erasure> {
  return transact(sql, async (transaction) => {
    // Shipments under way are waited for, later ones see the hash.
    await transaction.unsafe(`select pg_advisory_xact_lock(${ERASURE_LOCK})`)
    // The planner does not trust the block range index on user_id, which leaves out nearly all blocks.
    await transaction`set local enable_seqscan = off`
    await transaction`
      insert into erased_users (user_hash, erased_at) values (sha256(convert_to(${userId}, 'UTF8')), clock_timestamp())
      on conflict (user_hash) do update set erased_at = greatest(erased_users.erased_at, excluded.erased_at)`
    const predictions = await transaction<{ id: string; hour: Date }[]>`
      delete from predictions where user_id = ${userId}
      returning prediction_id as id, date_trunc('hour', time, 'UTC') as hour`
    const outcomes = await transaction`
      delete from outcomes
      where user_id = ${userId} or prediction_id = any (${predictions.map(({ id }) => id)}::uuid[])`
    const hours = new Set(predictions.map(({ hour }) => hour.getTime()))
    for (const hour of [...hours].toSorted((a, b) => a - b))
      await transaction`select day7_recount(${new Date(hour)})`
    return { predictions: predictions.length, outcomes: outcomes.count }
  })
}
