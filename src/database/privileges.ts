/**
 * The privileges of a role that a service connects as, and that owns nothing.
 */
import type { Sql } from 'postgres'

/** All tables but the list of migrations, which a service only reads. */
const TABLES = [
  'predictions',
  'prediction_totals',
  'prediction_counts',
  'outcomes',
  'model_events',
  'erased_users',
  'rollout_settings',
  'api_keys',
  'input_schemas',
  'installs',
  'cohorts',
  'unsettled_minutes',
  'spend',
]

/** @param sql of the owner, whose schema is the newest */
export async function grantTo(sql: Sql, role: string): Promise<void> {
  await sql.begin(async (transaction) => {
    const [{ schema }] = await transaction<[{ schema: string }]>`select current_schema() as schema`
    await transaction`grant usage on schema ${transaction(schema)} to ${transaction(role)}`
    await transaction`grant select on day7_migrations to ${transaction(role)}`
    for (const table of TABLES)
      await transaction`grant select, insert, update, delete on ${transaction(table)} to ${transaction(role)}`
    await transaction`
      grant execute on function day7_make_partition(date), day7_maintain(date, integer) to ${transaction(role)}`
  })
}
