/**
 * What a run of tests came to.
 */
export interface Outcome {
  readonly passed: number
  readonly failed: number
  /** A line for each, with the file and the path down to the test. */
  readonly failures: readonly string[]
  /** A line for each: the file, the test, and why it was skipped. */
  readonly skipped: readonly string[]
  /** Wall time of each test file. */
  readonly secondsOf: ReadonlyMap<string, number>
}

export const NOTHING: Outcome = { passed: 0, failed: 0, failures: [], skipped: [], secondsOf: new Map() }

/** A run can fail without a failed test: a file that does not load, a timeout. */
export function atLeastOneIf(bad: boolean, failed: number): number {
  return bad ? Math.max(1, failed) : failed
}
