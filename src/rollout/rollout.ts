/**
 * Which bundle answers which request. Today there is one slot, the champion; a request asks once and keeps what it got, so
 * that a change of models never splits a batch.
 */
import type { Bundle } from '../bundle/index.ts'

export type Variant = 'champion' | 'challenger'

export interface Assignment {
  readonly bundle: Bundle
  readonly variant: Variant
}

export interface Rollout {
  assign(): Assignment
}

export function createRollout(champion: Bundle): Rollout {
  const assignment: Assignment = Object.freeze({ bundle: champion, variant: 'champion' })
  return { assign: () => assignment }
}
