/**
 * The connections of one process, by what they are for.
 */

/** Connections that each purpose may have, and calls of it that may wait for one. */
export const POOLS = {
  /** Two: one shipment is copied while another is inserted. */
  shipping: { connections: 2, waiting: Infinity },
  /** Predictions and outcomes to installs, one round after the other. */
  settling: { connections: 1, waiting: 0 },
  /** Keys, the split of the traffic, events, outcomes, erasures. */
  control: { connections: 2, waiting: 100 },
  /** What dashboards ask again and again: milliseconds each. */
  questions: { connections: 3, waiting: 50 },
  /** What may take a minute. */
  reports: { connections: 2, waiting: 6 },
} as const satisfies Record<string, { connections: number; waiting: number }>

export type Purpose = keyof typeof POOLS

/** Connections that one process opens at most. */
export const MOST_CONNECTIONS = Object.values(POOLS).reduce((sum, { connections }) => sum + connections, 0)
