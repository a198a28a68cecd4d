/**
 * The evaluation itself: a row of doubles → the node at which each tree ends. No branch depends on the data.
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
import { isIn, withoutDust } from './decision.ts'

/** Fills `slots` (one double a view, behind the leaves' NaN) from the row's features, which begin at `start`. */
export function fillViews(layout: Layout, row: Float64Array, start: number, slots: Float64Array): void {
  const { views } = layout
  slots[0] = NaN
  for (let i = 0; i < views.length; i++) {
    const { feature, kind, categories } = views[i]!
    let value = withoutDust(row[start + feature]!)
    if (kind === VIEW_CATEGORY) value = isIn(categories, value) ? -Infinity : NaN
    else if (kind === VIEW_NONE) value = Number.isNaN(value) ? 0 : value
    else if (kind === VIEW_NAN_LEFT) value = Number.isNaN(value) ? -Infinity : value
    else if (kind !== VIEW_NAN_RIGHT && (value === 0 || Number.isNaN(value)))
      value = kind === VIEW_ZERO_LEFT ? -Infinity : NaN
    slots[i + 1] = value
  }
}

/** Writes where each tree ends into `leaves`. Four trees run at a time: their loads do not wait for each other. */
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
