/**
 * How much may be explained at a time.
 */
import type { Reader, Setting } from './setting.ts'

export interface ExplanationsConfig {
  readonly explainMaxUsers: number
}

export const EXPLANATION_SETTINGS = [
  {
    name: 'EXPLAIN_MAX_USERS',
    default: '100',
    description:
      'Most users in one `/batch_predict?explain=true`: an explanation takes a hundred times as long as a prediction, and its answer has 3 kB.',
  },
] as const satisfies readonly Setting[]

type Name = (typeof EXPLANATION_SETTINGS)[number]['name']

export function readExplanations(read: Reader<Name>): ExplanationsConfig {
  return { explainMaxUsers: read.whole('EXPLAIN_MAX_USERS', 1, 100_000) }
}
