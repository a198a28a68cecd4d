/**
 * `migrate`: brings the database that the settings name to the newest schema. The service does so itself when it starts; this is
 * for a deployment that wants to know that it went well before it replaces anything, or whose service may create nothing.
 */
import { type Config, ConfigError } from '../config/index.ts'
import { atServer, grantTo, migrate } from '../database/index.ts'
import { makeMissingViews } from '../prediction-log/index.ts'
import { argumentsOf, type Option } from './usage.ts'

export const MIGRATE_OPTIONS = [
  {
    name: 'grant',
    value: 'ROLE',
    about: 'a role that a service connects as: it may use the tables, and create nothing',
  },
] as const satisfies readonly Option[]

export async function migrateDatabase(args: readonly string[], { database }: Config): Promise<void> {
  const { values } = argumentsOf('migrate', args, MIGRATE_OPTIONS)
  if (typeof database === 'string')
    throw new ConfigError([`DATABASE_URL: expected the server to migrate, got the database "${database}"`])
  const role = values['grant']
  const applied = await atServer(database.url, async (sql) => {
    const applied = await migrate(sql)
    for (const note of await makeMissingViews(sql)) console.error(note)
    if (role !== undefined) await grantTo(sql, role)
    return applied
  })
  console.log(applied.length === 0 ? 'the schema is the newest' : `applied migrations ${applied.join(', ')}`)
}
