/**
 * Figures of access control: whether it is in force, what it has refused, and whether it knows the keys as they are.
 */
import { Counter, Gauge, type Metric } from 'prom-client'

/** What is read of access control. */
export interface WatchedAccess {
  status(): AccessFigures
}

interface AccessFigures {
  readonly isEnforced: boolean
  readonly keys: string | null
  readonly nextExpiry: Date | null
  readonly issuer: string | null
  readonly refusals: Readonly<Record<string, number>>
}

export function accessMetrics(access: WatchedAccess): Metric[] {
  const gauge = (name: string, help: string, read: (status: AccessFigures) => number): Metric =>
    new Gauge({
      name,
      help,
      registers: [],
      collect() {
        this.set(read(access.status()))
      },
    })
  return [
    gauge('day7_access_enforced', 'Whether callers need a key or token.', ({ isEnforced }) =>
      Number(isEnforced),
    ),
    gauge(
      'day7_access_keys_stale',
      'Whether the API keys are not those of the last poll, because they cannot be read.',
      ({ keys }) => Number(keys !== null && keys !== 'current'),
    ),
    gauge(
      'day7_access_issuer_unreachable',
      'Whether the keys of the token issuer could not be fetched the last time.',
      ({ issuer }) => Number(issuer === 'unreachable'),
    ),
    gauge(
      'day7_access_next_key_expiry_seconds',
      'When the next API key expires that was not replaced, in seconds since 1970; 0 if none does.',
      ({ nextExpiry }) => (nextExpiry ? nextExpiry.getTime() / 1000 : 0),
    ),
    new Counter({
      name: 'day7_access_refusals_total',
      help: 'Requests that were refused, by the code of the answer.',
      labelNames: ['code'],
      registers: [],
      collect() {
        this.reset()
        for (const [code, count] of Object.entries(access.status().refusals)) this.inc({ code }, count)
      },
    }),
  ]
}
