/**
 * `migrate`: brings the database that the settings name to the newest schema. The service does so itself when it starts; this is
 * for a deployment that wants to know that it went well before it replaces anything.
 */
import { type Config, ConfigError } from '../config/index.ts'
import { migrateServer } from '../database/index.ts'
import { argumentsOf } from './usage.ts'

export async function migrate(args: readonly string[], { database }: Config): Promise<void> {
  argumentsOf('migrate', args, [])
  if (typeof database === 'string')
    throw new ConfigError([`DATABASE_URL: expected the server to migrate, got the database "${database}"`])
  const applied = await migrateServer(database.url)
  console.log(applied.length === 0 ? 'the schema is the newest' : `applied migrations ${applied.join(', ')}`)
}
