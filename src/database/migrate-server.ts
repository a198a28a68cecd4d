/**
 * A server's address → the newest schema there, for a deployment that wants it before the first service starts, and the rights of a role that owns nothing.
 */
import postgres, { type Sql } from 'postgres'
import { clientOptions } from './client.ts'
import { migrate } from './migrate.ts'

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
]

/**
 * @param role that a service connects as, and that may use all of it; null: that of the address
 * @param also what else is made there
 * @returns the versions that were applied now
 */
export async function migrateServer(
  url: string,
  role: string | null = null,
  also: (sql: Sql) => Promise<void> = async () => {},
): Promise<number[]> {
  const sql = postgres({ ...clientOptions(url), max: 1 })
  try {
    const applied = await migrate(sql)
    await also(sql)
    if (role !== null) await grant(sql, role)
    return applied
  } finally {
    await sql.end({ timeout: 1 })
  }
}

async function grant(sql: Sql, role: string): Promise<void> {
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
