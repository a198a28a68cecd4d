/**
 * One decision, as plainly as LightGBM writes it: Tree::NumericalDecision and Tree::CategoricalDecision. The loop never comes
 * here; contributions do, and so does whoever wants to read the rules.
 */
import { CATEGORICAL, DEFAULT_LEFT, MISSING_NAN, MISSING_ZERO, missingType, type Tree } from './tree.ts'

/** LightGBM's kZeroThreshold (include/LightGBM/meta.h): a float32 widened to double, not the double 1e-35. */
export const ZERO_THRESHOLD = Math.fround(1e-35)

/** LightGBM reads a row through a filter: everything up to kZeroThreshold is a plain zero. NaN stays. */
export function withoutDust(value: number): number {
  return value >= -ZERO_THRESHOLD && value <= ZERO_THRESHOLD ? 0 : value
}

/** @param value what `withoutDust` left of it */
export function goesLeft(tree: Tree, split: number, value: number): boolean {
  const decision = tree.decision[split]!
  const threshold = tree.threshold[split]!
  if (decision & CATEGORICAL) return isIn(tree.categories[threshold]!, value)
  const missing = missingType(decision)
  if (Number.isNaN(value) && missing !== MISSING_NAN) value = 0
  if ((missing === MISSING_ZERO && value === 0) || (missing === MISSING_NAN && Number.isNaN(value)))
    return (decision & DEFAULT_LEFT) !== 0
  return value <= threshold
}

/** NaN and negatives are in no set; the value is cut towards zero, so −0.5 is category 0. */
export function isIn(categories: Uint32Array, value: number): boolean {
  const category = Math.trunc(value)
  if (!(category >= 0 && category < categories.length * 32)) return false
  return ((categories[category >>> 5]! >>> (category & 31)) & 1) === 1
}
