/**
 * How often each caller has asked in the present window: in memory, or in a Redis that all processes share.
 */

/** As @fastify/rate-limit's stores have it. */
export interface Count {
  /** Requests in this window, the present one included. */
  readonly current: number
  /** Milliseconds until the window ends. */
  readonly ttl: number
}

/** `off`: each process counts for itself; `away`: it does so until Redis is back. */
export type SharedState = 'off' | 'connecting' | 'shared' | 'away'

export interface RequestCounts {
  /** Counts one more. Never fails. */
  add(key: string, windowMs: number): Count | Promise<Count>
  sharedState(): SharedState
  close(): void
}
