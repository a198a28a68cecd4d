/**
 * How traffic is split between champion and challenger, one row a change; the last one is in force in every process.
 */
import type { Sql, TransactionSql } from 'postgres'
import { transact } from '../../database/index.ts'

export interface Split {
  /** From 0 to 1. */
  readonly challengerShare: number
  readonly salt: string
  readonly shadow: boolean
}

/** From the settings of a process, or from a call at run time. */
export type SplitOrigin = 'settings' | 'admin'

export interface KeptSplit extends Split {
  /** Greater than that of what was kept before, whatever the clock says. */
  readonly id: number
  readonly origin: SplitOrigin
  readonly since: Date
}

export async function latestSplit(sql: Sql | TransactionSql): Promise<KeptSplit | null> {
  const [row] = await sql<KeptSplit[]>`
    select setting_id::double precision as id, challenger_share as "challengerShare", salt, shadow, origin, changed_at as since
    from rollout_settings order by setting_id desc limit 1`
  return row ?? null
}

/**
 * With its model event.
 * @param split what it leaves out stays as it is in force, or as in `otherwise` where nothing was kept
 */
export function keepSplit(
  sql: Sql,
  split: Partial<Split>,
  otherwise: Split,
  origin: SplitOrigin,
  host: string,
): Promise<KeptSplit> {
  return transact(sql, async (transaction) => {
    await lock(transaction)
    const kept = (await latestSplit(transaction)) ?? otherwise
    return insert(transaction, { ...kept, ...split }, origin, host)
  })
}

/** Keeps settings where nothing was kept before, or other settings; leaves what a call said. @returns what is in force */
export function adoptSettings(sql: Sql, settings: Split, host: string): Promise<KeptSplit> {
  return transact(sql, async (transaction) => {
    await lock(transaction)
    const kept = await latestSplit(transaction)
    if (kept && (kept.origin === 'admin' || isSame(kept, settings))) return kept
    return insert(transaction, settings, 'settings', host)
  })
}

/** Processes that start together keep one row. */
async function lock(transaction: TransactionSql): Promise<void> {
  await transaction`lock table rollout_settings in share row exclusive mode`
}

async function insert(
  transaction: TransactionSql,
  { challengerShare, salt, shadow }: Split,
  origin: SplitOrigin,
  host: string,
): Promise<KeptSplit> {
  // The time of the statement and not of the transaction, which may have waited for the lock.
  const [{ id, since }] = await transaction<[{ id: number; since: Date }]>`
    insert into rollout_settings (changed_at, challenger_share, salt, shadow, origin, host)
    values (clock_timestamp(), ${challengerShare}, ${salt}, ${shadow}, ${origin}, ${host})
    returning setting_id::double precision as id, changed_at as since`
  const detail = `challenger_share=${challengerShare} shadow=${shadow} salt=${salt} by ${origin}`
  await transaction`
    insert into model_events (event_id, time, event, host, detail)
    values (gen_random_uuid(), ${since}, 'traffic', ${host}, ${detail})`
  return { id, challengerShare, salt, shadow, origin, since }
}

const isSame = (a: Split, b: Split): boolean =>
  a.challengerShare === b.challengerShare && a.salt === b.salt && a.shadow === b.shadow
