/**
 * What a run of tests came to.
 */
export interface Outcome {
  readonly passed: number
  readonly failed: number
  /** A line for each, with the path down to it. */
  readonly failures: readonly string[]
  /** Of each test file. */
  readonly secondsOf: ReadonlyMap<string, number>
}

export const NOTHING: Outcome = { passed: 0, failed: 0, failures: [], secondsOf: new Map() }

/** A run can fail without a failed test: a file that does not load, a time-out. */
export function atLeastOneIf(bad: boolean, failed: number): number {
  return bad ? Math.max(1, failed) : failed
}
