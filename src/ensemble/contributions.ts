/**
 * TreeSHAP: how much each feature moved the raw score of a row away from the expected value. Tree::PredictContrib and
 * Tree::TreeSHAP (Lundberg's path-dependent algorithm), with LightGBM's order of operations, so that the numbers agree to the
 * last places. `path` is the list of features on the way to a node, each with the share of training rows that take that way when
 * the feature is unknown (`zero`) and known (`one`), and the weight of all orders in which features may become known.
 */
import { goesLeft, withoutDust } from './decision.ts'
import { ModelFormatError } from './errors.ts'
import type { Tree } from './tree.ts'

/** The algorithm keeps a copy of the path at every level: its memory grows with the square of the depth. */
const MAX_DEPTH = 1000

/** @throws ModelFormatError if there are no contributions for such trees */
export function checkExplainable(trees: readonly Tree[]): void {
  trees.forEach((tree, at) => {
    if (tree.linear)
      throw new ModelFormatError(
        `tree ${at}`,
        'contributions of linear trees are not defined; LightGBM refuses them too',
      )
    if (depthOf(tree) > MAX_DEPTH)
      throw new ModelFormatError(
        `tree ${at}`,
        `contributions are computed for trees up to ${MAX_DEPTH} deep, got ${depthOf(tree)}`,
      )
  })
}

/** Adds the tree's contributions to `totals`: one a feature, and the expected value behind them. */
export function addContributions(tree: Tree, row: Float64Array, totals: Float64Array): void {
  const { leafValue } = tree
  const expected = totals.length - 1
  if (leafValue.length === 1) {
    totals[expected]! += leafValue[0]!
    return
  }
  let mean = 0
  for (let leaf = 0; leaf < leafValue.length; leaf++)
    mean += (tree.leafRows[leaf]! / tree.splitRows[0]!) * leafValue[leaf]!
  totals[expected]! += mean
  new Explanation(tree, row, totals).visit(0, 0, 0, 1, 1, -1)
}

class Explanation {
  readonly #tree: Tree
  readonly #row: Float64Array
  readonly #totals: Float64Array
  // The paths of all levels on the way down, one behind the other.
  readonly #feature: Int32Array
  readonly #zero: Float64Array
  readonly #one: Float64Array
  readonly #weight: Float64Array

  constructor(tree: Tree, row: Float64Array, totals: Float64Array) {
    this.#tree = tree
    this.#row = row
    this.#totals = totals
    const depth = depthOf(tree) + 2
    const room = (depth * (depth + 1)) / 2
    this.#feature = new Int32Array(room)
    this.#zero = new Float64Array(room)
    this.#one = new Float64Array(room)
    this.#weight = new Float64Array(room)
  }

  /** @param parent where the parent's path begins @param depth how many features are on it */
  visit(node: number, depth: number, parent: number, zero: number, one: number, feature: number): void {
    const path = parent + depth
    this.#copy(parent, path, depth)
    this.#extend(path, depth, zero, one, feature)
    if (node < 0) {
      const value = this.#tree.leafValue[~node]!
      for (let i = 1; i <= depth; i++) {
        const weight = this.#unwoundSum(path, depth, i)
        this.#totals[this.#feature[path + i]!]! +=
          weight * (this.#one[path + i]! - this.#zero[path + i]!) * value
      }
      return
    }
    const { left, right, splitRows } = this.#tree
    const column = this.#tree.feature[node]!
    const isLeft = goesLeft(this.#tree, node, withoutDust(this.#row[column]!))
    const hot = isLeft ? left[node]! : right[node]!
    const cold = isLeft ? right[node]! : left[node]!
    const hotShare = this.#rows(hot) / splitRows[node]!
    const coldShare = this.#rows(cold) / splitRows[node]!
    let incomingZero = 1
    let incomingOne = 1
    let length = depth
    const before = this.#find(path, depth, column)
    if (before >= 0) {
      incomingZero = this.#zero[path + before]!
      incomingOne = this.#one[path + before]!
      this.#unwind(path, depth, before)
      length--
    }
    this.visit(hot, length + 1, path, hotShare * incomingZero, incomingOne, column)
    this.visit(cold, length + 1, path, coldShare * incomingZero, 0, column)
  }

  #rows(node: number): number {
    return node < 0 ? this.#tree.leafRows[~node]! : this.#tree.splitRows[node]!
  }

  #copy(from: number, to: number, count: number): void {
    for (const list of [this.#feature, this.#zero, this.#one, this.#weight])
      list.copyWithin(to, from, from + count)
  }

  #find(path: number, depth: number, feature: number): number {
    for (let i = 0; i <= depth; i++) if (this.#feature[path + i] === feature) return i
    return -1
  }

  #extend(path: number, depth: number, zero: number, one: number, feature: number): void {
    const weight = this.#weight
    this.#feature[path + depth] = feature
    this.#zero[path + depth] = zero
    this.#one[path + depth] = one
    weight[path + depth] = depth === 0 ? 1 : 0
    for (let i = depth - 1; i >= 0; i--) {
      weight[path + i + 1]! += (one * weight[path + i]! * (i + 1)) / (depth + 1)
      weight[path + i] = (zero * weight[path + i]! * (depth - i)) / (depth + 1)
    }
  }

  #unwind(path: number, depth: number, at: number): void {
    const weight = this.#weight
    const one = this.#one[path + at]!
    const zero = this.#zero[path + at]!
    let next = weight[path + depth]!
    for (let i = depth - 1; i >= 0; i--) {
      if (one !== 0) {
        const before = weight[path + i]!
        weight[path + i] = (next * (depth + 1)) / ((i + 1) * one)
        next = before - (weight[path + i]! * zero * (depth - i)) / (depth + 1)
      } else weight[path + i] = (weight[path + i]! * (depth + 1)) / (zero * (depth - i))
    }
    // The weights stay where they are: they belong to lengths, not to features.
    for (const list of [this.#feature, this.#zero, this.#one])
      list.copyWithin(path + at, path + at + 1, path + depth + 1)
  }

  #unwoundSum(path: number, depth: number, at: number): number {
    const weight = this.#weight
    const one = this.#one[path + at]!
    const zero = this.#zero[path + at]!
    let next = weight[path + depth]!
    let total = 0
    for (let i = depth - 1; i >= 0; i--) {
      if (one !== 0) {
        const part = (next * (depth + 1)) / ((i + 1) * one)
        total += part
        next = weight[path + i]! - part * zero * ((depth - i) / (depth + 1))
      } else total += weight[path + i]! / zero / ((depth - i) / (depth + 1))
    }
    return total
  }
}

function depthOf({ left, right }: Tree): number {
  let depth = 0
  for (let level = left.length > 0 ? [0] : []; level.length > 0; depth++)
    level = level.flatMap((split) => [left[split]!, right[split]!]).filter((child) => child >= 0)
  return depth
}
