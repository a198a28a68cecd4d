/**
 * Erases users: their predictions and outcomes, and those that still wait in some process's spool: shipments leave out what was made for them
 * until now, which is told by the database's clock. A hash of each id is kept until the retention is over.
 */
import type { Sql } from 'postgres'
import { eraseInstalls, noSettlingNow } from './installs.ts'
import { ERASURE_LOCK } from './predictions.ts'
import { transact } from '../../database/index.ts'

export interface Erasure {
  readonly userId: string
  readonly predictions: number
  readonly outcomes: number
}

/** Of more users than this, all blocks are read once; of fewer, those that the block range index on user_id cannot leave out. */
const FEW = 20

/** @returns what was erased of each, in their order. All or none are erased */
export async function eraseUsers(sql: Sql, userIds: readonly string[]): Promise<Erasure[]> {
  const ids = [...new Set(userIds)]
  return transact(sql, async (transaction) => {
    // Shipments under way are waited for, later ones see the hash.
    await transaction.unsafe(`select pg_advisory_xact_lock(${ERASURE_LOCK})`)
    await noSettlingNow(transaction)
    // The planner does not trust that index, which leaves out nearly all blocks.
    if (ids.length <= FEW) await transaction`set local enable_seqscan = off`
    await transaction`
      insert into erased_users (user_hash, erased_at)
      select sha256(convert_to(user_id, 'UTF8')), clock_timestamp() from unnest(${ids}::text[]) as user_id order by 1
      on conflict (user_hash) do update set erased_at = greatest(erased_users.erased_at, excluded.erased_at)`
    const predictions = await transaction<{ userId: string; id: string; hour: Date }[]>`
      delete from predictions where user_id = any (${ids}::text[])
      returning user_id as "userId", prediction_id as id, date_trunc('hour', time, 'UTC') as hour`
    const ownerOf = new Map(predictions.map(({ id, userId }) => [id, userId]))
    const outcomes = await transaction<{ userId: string | null; id: string | null }[]>`
      delete from outcomes
      where user_id = any (${ids}::text[]) or prediction_id = any (${[...ownerOf.keys()]}::uuid[])
      returning user_id as "userId", prediction_id as id`
    await eraseInstalls(transaction, ids)
    const hours = new Set(predictions.map(({ hour }) => hour.getTime()))
    for (const hour of [...hours].toSorted((a, b) => a - b))
      await transaction`select day7_recount(${new Date(hour)})`
    const erasedPredictions = Map.groupBy(predictions, ({ userId }) => userId)
    const erasedOutcomes = Map.groupBy(outcomes, ({ userId, id }) => userId ?? ownerOf.get(id!))
    return userIds.map((userId) => ({
      userId,
      predictions: erasedPredictions.get(userId)?.length ?? 0,
      outcomes: erasedOutcomes.get(userId)?.length ?? 0,
    }))
  })
}
