/**
 * How every connection to PostgreSQL is made: what it is called there, in which time zone it speaks, and how long it may take.
 */
import type { Options } from 'postgres'

export const CLIENT: Options<Record<string, never>> = {
  connect_timeout: 5,
  onnotice: () => {},
  connection: { application_name: 'day7', TimeZone: 'UTC' },
}
