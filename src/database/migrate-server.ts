/**
 * A server's address → the newest schema there, for a deployment that wants it before the first service starts.
 */
import postgres from 'postgres'
import { clientOptions } from './client.ts'
import { migrate } from './migrate.ts'

/** @returns the versions that were applied now */
export async function migrateServer(url: string): Promise<number[]> {
  const sql = postgres({ ...clientOptions(url), max: 1 })
  try {
    return await migrate(sql)
  } finally {
    await sql.end({ timeout: 1 })
  }
}
