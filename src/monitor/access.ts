/**
 * Figures of access control: whether it is in force, what it has refused, and whether it knows the keys as they are.
 */
import { counter, gauge, type Metric } from './metric.ts'

/** What is read of access control. */
export interface WatchedAccess {
  status(): {
    readonly isEnforced: boolean
    readonly keys: string | null
    readonly nextExpiry: Date | null
    readonly issuer: string | null
    readonly refusals: Readonly<Record<string, number>>
  }
}

export function accessMetrics(access: WatchedAccess): Metric[] {
  return [
    gauge('day7_access_enforced', 'Whether callers need a key or token.', 'max', () =>
      Number(access.status().isEnforced),
    ),
    gauge(
      'day7_access_keys_stale',
      'Whether the API keys are not those of the last poll, because they cannot be read.',
      'max',
      () => {
        const { keys } = access.status()
        return Number(keys !== null && keys !== 'current')
      },
    ),
    gauge(
      'day7_access_issuer_unreachable',
      'Whether the keys of the token issuer could not be fetched the last time.',
      'max',
      () => Number(access.status().issuer === 'unreachable'),
    ),
    gauge(
      'day7_access_next_key_expiry_seconds',
      'When the next API key expires that was not replaced, in seconds since 1970; 0 if none does.',
      'first',
      () => (access.status().nextExpiry?.getTime() ?? 0) / 1000,
    ),
    counter('day7_access_refusals_total', 'Requests that were refused, by the code of the answer.', () =>
      Object.entries(access.status().refusals).map(([code, value]) => ({ labels: { code }, value })),
    ),
  ]
}
