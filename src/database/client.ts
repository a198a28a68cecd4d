/**
 * How every connection to PostgreSQL is made: what it is called there, in which time zone it speaks, and how long it may take. A pooler may
 * be in between, which gives each transaction another connection: nothing is prepared for a later one.
 */
import type { Options } from 'postgres'

export const CLIENT: Options<Record<string, never>> = {
  connect_timeout: 5,
  prepare: false,
  onnotice: () => {},
  connection: { application_name: 'day7', TimeZone: 'UTC' },
}
