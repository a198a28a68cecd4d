/**
 * The reference: a row of doubles → the node at which each tree ends, for every kind of model. No branch depends on the data.
 * The packed kernels must equal it bit for bit.
 */
import {
  compile,
  type Layout,
  TREES_IN_FLIGHT,
  VIEW_CATEGORY,
  VIEW_NAN_LEFT,
  VIEW_NAN_RIGHT,
  VIEW_NONE,
  VIEW_ZERO_LEFT,
} from './compile.ts'
import { isIn, withoutDust } from './decision.ts'
import { linearOutput } from './linear.ts'
import type { Tree } from './tree.ts'

export class ReferenceLoop {
  readonly name = 'reference'
  readonly #trees: readonly Tree[]
  readonly #classCount: number
  readonly #layout: Layout
  readonly #isLinear: boolean
  readonly #slots: Float64Array
  readonly #leaves: Int32Array

  constructor(trees: readonly Tree[], classCount: number) {
    this.#trees = trees
    this.#classCount = classCount
    this.#layout = compile(trees)
    this.#isLinear = trees.some((tree) => tree.linear)
    this.#slots = new Float64Array(this.#layout.views.length + 1)
    this.#leaves = new Int32Array(this.#layout.root.length)
  }

  /** The sums of all classes, written to `out` from `at` on. Trees are added in order, as GBDT::PredictRaw adds them. */
  score(rows: Float64Array, start: number, out: Float64Array, at: number): void {
    const classCount = this.#classCount
    this.#walk(rows, start)
    out.fill(0, at, at + classCount)
    const { threshold, leafIndex } = this.#layout
    for (let tree = 0, k = 0; tree < this.#trees.length; tree++) {
      const node = this.#leaves[tree]!
      out[at + k]! += this.#isLinear
        ? linearOutput(this.#trees[tree]!, leafIndex[node]!, rows, start)
        : threshold[node]!
      k = k + 1 === classCount ? 0 : k + 1
    }
  }

  /** LightGBM's number of the leaf at which each tree ends. */
  leaves(rows: Float64Array, start: number): Int32Array {
    this.#walk(rows, start)
    return Int32Array.from(this.#trees, (_, tree) => this.#layout.leafIndex[this.#leaves[tree]!]!)
  }

  #walk(rows: Float64Array, start: number): void {
    fillViews(this.#layout, rows, start, this.#slots)
    findLeaves(this.#layout, this.#slots, this.#leaves)
  }
}

/** Fills `slots` (one double a view, behind the leaves' NaN) from the row's features, which begin at `start`. */
function fillViews(layout: Layout, row: Float64Array, start: number, slots: Float64Array): void {
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
function findLeaves(layout: Layout, slots: Float64Array, leaves: Int32Array): void {
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
