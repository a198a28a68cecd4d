/**
 * How every connection to PostgreSQL is made: what it is called there, in which time zone it speaks, and how long it may take. A pooler may
 * be in between, which gives each transaction another connection: nothing is prepared for a later one.
 */
import postgres, { type Options, type Sql } from 'postgres'
import { connectOptions } from './location.ts'
import { MOST_CONNECTIONS } from './pools.ts'

export const CLIENT: Options<Record<string, never>> = {
  connect_timeout: 5,
  prepare: false,
  onnotice: () => {},
  // Dates are read in this form; a role or a database may have another.
  connection: { application_name: 'day7', TimeZone: 'UTC', DateStyle: 'ISO, MDY' },
}

/** @throws DatabaseUrlError */
export function clientOptions(url: string): Options<Record<string, never>> {
  const options = connectOptions(url, MOST_CONNECTIONS)
  return { ...CLIENT, ...options, connection: { ...CLIENT.connection, ...options.connection } }
}

/** One connection, for as long as `work` takes. */
export async function atServer<T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = postgres({ ...clientOptions(url), max: 1 })
  try {
    return await work(sql)
  } finally {
    await sql.end({ timeout: 1 })
  }
}
