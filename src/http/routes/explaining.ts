/**
 * Explanations for a batch: its predictions → the same with their explanations, or with the reason why there is none. Between two of them
 * the event loop is given back, so that other requests do not wait for all.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Bundle, ExplanationError } from '../../bundle/index.ts'
import type { BatchRow } from '../schemas/predict.ts'

/** Without a turn for others. */
const SLICE_MS = 2

/** What was predicted, and for which row. */
interface Predicted {
  readonly at: number
  readonly answer: { readonly bundle: Bundle }
  readonly record: { readonly row: Parameters<Bundle['explain']>[0] }
}

/**
 * @param rows are changed: one gets its explanation, or an error in place of its prediction
 * @returns those of `predicted` that keep their prediction
 */
export async function addExplanations<T extends Predicted>(
  rows: BatchRow[],
  predicted: readonly T[],
): Promise<T[]> {
  const kept: T[] = []
  let sinceMs = performance.now()
  for (const each of predicted) {
    if (performance.now() - sinceMs > SLICE_MS) {
      await nextTurn()
      sinceMs = performance.now()
    }
    const { at, answer, record } = each
    try {
      rows[at] = { ...rows[at]!, explanation: answer.bundle.explain(record.row) }
      kept.push(each)
    } catch (error) {
      if (!(error instanceof ExplanationError)) throw error
      rows[at] = { input: rows[at]!.input, error: error.message }
    }
  }
  return kept
}

/** @throws 400 */
export function expectExplainable(userCount: number, maxUsers: number): void {
  if (userCount <= maxUsers) return
  throw Object.assign(
    new Error(`users: expected at most ${maxUsers} to be explained at a time, got ${userCount}`),
    { statusCode: 400, code: 'EXPLAIN_TOO_MANY_USERS' },
  )
}
