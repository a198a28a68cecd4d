/**
 * How every connection to PostgreSQL is made: what it is called there, in which time zone it speaks, and how long it may take. A pooler may
 * be in between, which gives each transaction another connection: nothing is prepared for a later one.
 */
import type { Options } from 'postgres'
import { connectOptions } from './location.ts'

export const CLIENT: Options<Record<string, never>> = {
  connect_timeout: 5,
  prepare: false,
  onnotice: () => {},
  // As dates are read here, whatever the role or the database has.
  connection: { application_name: 'day7', TimeZone: 'UTC', DateStyle: 'ISO, MDY' },
}

/** Connections that one process opens at most. */
export const MOST_CONNECTIONS = 9

/** @throws DatabaseUrlError */
export function clientOptions(url: string): Options<Record<string, never>> {
  const options = connectOptions(url, MOST_CONNECTIONS)
  return { ...CLIENT, ...options, connection: { ...CLIENT.connection, ...options.connection } }
}
