/**
 * The evaluation itself: a row of doubles → the leaf of every tree → raw scores. No branch depends on the data.
 *
 * Leaves are added in the order of the trees, as LightGBM adds them, so that the sum is LightGBM's own double.
 */
import {
  type Layout,
  TREES_IN_FLIGHT,
  VIEW_CATEGORY,
  VIEW_NAN_LEFT,
  VIEW_NAN_RIGHT,
  VIEW_NONE,
  VIEW_ZERO_LEFT,
} from './compile.ts'

/** LightGBM's kZeroThreshold (include/LightGBM/meta.h): a float32 widened to double, not the double 1e-35. */
export const ZERO_THRESHOLD = Math.fround(1e-35)

/** Fills `slots` (one double a view, behind the leaves' NaN) from the row's features at `start`. */
export function fillViews(layout: Layout, row: Float64Array, start: number, slots: Float64Array): void {
  const { views } = layout
  slots[0] = NaN
  for (let i = 0; i < views.length; i++) {
    const { feature, kind, categories } = views[i]!
    // GBDT reads a dense row through a filter that makes everything up to kZeroThreshold a plain zero.
    let value = row[start + feature]!
    if (value >= -ZERO_THRESHOLD && value <= ZERO_THRESHOLD) value = 0
    if (kind === VIEW_CATEGORY) value = goesLeft(categories, value) ? -Infinity : NaN
    else if (kind === VIEW_NONE) value = Number.isNaN(value) ? 0 : value
    else if (kind === VIEW_NAN_LEFT) value = Number.isNaN(value) ? -Infinity : value
    else if (kind !== VIEW_NAN_RIGHT && (value === 0 || Number.isNaN(value)))
      value = kind === VIEW_ZERO_LEFT ? -Infinity : NaN
    slots[i + 1] = value
  }
}

/** Tree::CategoricalDecision: NaN and negatives go right; the value is cut towards zero, so −0.5 is category 0. */
function goesLeft(categories: Uint32Array, value: number): boolean {
  const category = Math.trunc(value)
  if (!(category >= 0 && category < categories.length * 32)) return false
  return ((categories[category >>> 5]! >>> (category & 31)) & 1) === 1
}

/**
 * Writes the node at which each tree ends into `leaves`. Four trees run at a time: their loads do not wait for each other.
 */
export function findLeaves(layout: Layout, slots: Float64Array, leaves: Int32Array): void {
  const { view, threshold, child, root, steps } = layout
  for (let group = 0, tree = 0; group < steps.length; group++, tree += TREES_IN_FLIGHT) {
    let a = root[tree]!
    let b = root[tree + 1]!
    let c = root[tree + 2]!
    let d = root[tree + 3]!
    for (let step = steps[group]!; step > 0; step--) {
      a = child[a]! + +(slots[view[a]!]! <= threshold[a]!)
      b = child[b]! + +(slots[view[b]!]! <= threshold[b]!)
      c = child[c]! + +(slots[view[c]!]! <= threshold[c]!)
      d = child[d]! + +(slots[view[d]!]! <= threshold[d]!)
    }
    leaves[tree] = a
    leaves[tree + 1] = b
    leaves[tree + 2] = c
    leaves[tree + 3] = d
  }
}
