/**
 * Spend: what was paid for the installs of a day that share facets. Of several reports of the same day and facets the last one counts, so that sending one again
 * changes nothing, and a correction replaces.
 */
import type { Sql } from 'postgres'

export interface Spend {
  /** UTC; as 2026-01-31. */
  readonly day: string
  /** Values by names of facets, in any case. */
  readonly facets: Readonly<Record<string, string>>
  /** In the unit of the revenue; ≥ 0. */
  readonly amount: number
}

export async function upsertSpend(sql: Sql, spend: readonly Spend[]): Promise<void> {
  const rows = spend.map(({ day, facets, amount }, place) => ({ place, day, facets, amount }))
  await sql`
    with told as (
      select place, day, amount, coalesce(jsonb_object_agg(name, day7_facet_value(value)) filter (where name is not null), '{}') as facets
      from jsonb_to_recordset(${sql.json(rows)}) as told (place integer, day date, facets jsonb, amount numeric)
      left join lateral jsonb_each_text(told.facets) as facet (name, value) on true
      group by place, day, amount
    ), last as (
      select distinct on (spend_id) day7_hash(jsonb_build_array(day, facets)::text) as spend_id, day, facets, amount
      from told order by spend_id, place desc
    )
    insert into spend (spend_id, day, facets, amount) select spend_id, day, facets, amount from last order by spend_id
    on conflict (spend_id) do update set amount = excluded.amount, received_at = now()`
}
