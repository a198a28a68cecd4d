/**
 * Outcomes → the end of what a run prints: what was skipped and why, the slowest files, what failed, and the totals in the last line.
 */
import type { Outcome } from './outcome.ts'

const SLOWEST = 10

export function printReport(outcomes: readonly Outcome[]): void {
  const skipped = outcomes.flatMap((outcome) => outcome.skipped)
  if (skipped.length > 0) console.log('\nSkipped:')
  for (const line of skipped) console.log(`  ${line}`)

  console.log('\nThe slowest files, in seconds of which others had a part:')
  const seconds = outcomes.flatMap((outcome) => [...outcome.secondsOf]).toSorted(([, a], [, b]) => b - a)
  for (const [file, took] of seconds.slice(0, SLOWEST)) console.log(`${took.toFixed(1).padStart(7)}  ${file}`)

  const failures = outcomes.flatMap((outcome) => outcome.failures)
  if (failures.length > 0) console.log('\nFailed:')
  for (const line of failures) console.log(`  ${line}`)

  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0)
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0)
  console.log(`\n${passed} passed, ${failed} failed`)
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0
}
