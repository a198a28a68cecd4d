/**
 * TreeSHAP: how much each feature moved the raw score of a row away from the expected value, with Lundberg's path-dependent
 * expectations (Tree::TreeSHAP): an unknown feature sends a row both ways, in the shares of the training rows.
 *
 * On the way to a leaf every feature that is asked has a `zero`, the share of the training rows that it lets through, and a row
 * gives it a `one`: 1 if it lets the row through, else 0. The Shapley value of feature i at a leaf is
 *
 *   leaf value · (oneᵢ − zeroᵢ) · Σ over the sets S of the other d − 1 features: |S|! (d−1−|S|)! / d! · Π in S: oneⱼ · Π not in S: zeroⱼ
 *
 * LightGBM sums over the sizes of S, feature by feature, and takes a feature out again by division, which loses digits in deep
 * trees. Here the factorials are the integral of tˢ (1−t)ᵈ⁻¹⁻ˢ from 0 to 1, so that the sum is that of Π (zeroⱼ (1−t) + oneⱼ t):
 * a polynomial, for which a few places t are exact, and all terms are positive. What does not depend on the row is computed once.
 */
import { goesLeft, withoutDust } from './decision.ts'
import { ModelFormatError } from './errors.ts'
import { quadratureOf } from './quadrature.ts'
import type { Tree } from './tree.ts'

/** The ways to all leaves are written down: their length grows with the square of the depth where a tree is a chain. */
const MAX_DEPTH = 1000

export class TreeShap {
  readonly #trees: readonly Tree[]
  /** Of each tree: the mean of its leaves over the training rows. */
  readonly #expected: Float64Array
  readonly #ways: Ways
  readonly #rules: readonly Rule[]
  // Of the row at hand: at which splits of a tree it goes left, which features of a way let it through, and the products.
  readonly #isLeft: Uint8Array
  readonly #ones: Uint8Array
  readonly #products: Float64Array

  /** @throws ModelFormatError if there are no contributions for such trees */
  constructor(trees: readonly Tree[]) {
    trees.forEach(checkExplainable)
    this.#trees = trees
    this.#expected = Float64Array.from(trees, expectedOf)
    this.#ways = waysOf(trees)
    const { longest } = this.#ways
    this.#rules = Array.from({ length: placesFor(longest) + 1 }, (_, count) => ruleOf(count))
    this.#isLeft = new Uint8Array(trees.reduce((most, { left }) => Math.max(most, left.length), 0))
    this.#ones = new Uint8Array(longest)
    this.#products = new Float64Array(placesFor(longest))
  }

  /**
   * Adds tree number `at`.
   * @param totals from `start` on: one contribution a feature, and behind them the expected value
   */
  add(at: number, row: Float64Array, totals: Float64Array, start: number): void {
    const tree = this.#trees[at]!
    const isLeft = this.#isLeft
    totals[start + row.length]! += this.#expected[at]!
    for (let split = 0; split < tree.left.length; split++)
      isLeft[split] = +goesLeft(tree, split, withoutDust(row[tree.feature[split]!]!))
    const { ofTree } = this.#ways
    for (let way = ofTree[at]!; way < ofTree[at + 1]!; way++) this.#addWay(way, totals, start)
  }

  #addWay(way: number, totals: Float64Array, start: number): void {
    const { steps, features, zeros, ends, turns, values } = this.#ways
    const [isLeft, ones, products] = [this.#isLeft, this.#ones, this.#products]
    const from = steps[way]!
    const length = steps[way + 1]! - from
    const { count, places, rests, weights, restWeights } = this.#rules[placesFor(length)]!
    for (let q = 0; q < count; q++) products[q] = 1
    for (let j = 0, turn = ends[from]!; j < length; j++) {
      let one = 1
      for (const end = ends[from + j + 1]!; turn < end; turn++)
        if (isLeft[turns[turn]! >> 1] !== (turns[turn]! & 1)) one = 0
      ones[j] = one
      const zero = zeros[from + j]!
      for (let q = 0; q < count; q++) products[q]! *= zero * rests[q]! + one * places[q]!
    }
    const value = values[way]!
    // Of a feature that does not let the row through: its zero cancels out, so that all of them have the same one.
    let cold = 0
    for (let q = 0; q < count; q++) cold -= restWeights[q]! * products[q]!
    for (let j = 0; j < length; j++) {
      let share = cold
      if (ones[j]) {
        const zero = zeros[from + j]!
        share = 0
        for (let q = 0; q < count; q++)
          share += (weights[q]! * products[q]!) / (zero * rests[q]! + places[q]!)
        share *= 1 - zero
      }
      totals[start + features[from + j]!]! += share * value
    }
  }
}

/** The ways to all leaves of all trees, one behind the other; each list has one more entry than there are things, for the end. */
interface Ways {
  /** Where a tree's ways begin. */
  readonly ofTree: Int32Array
  readonly values: Float64Array
  /** Where a way's steps begin: one a feature. */
  readonly steps: Int32Array
  readonly features: Int32Array
  readonly zeros: Float64Array
  /** Where a step's turns begin. */
  readonly ends: Int32Array
  /** Split × 2, and 1 more if the way goes left there. */
  readonly turns: Int32Array
  /** Steps of the longest way. */
  readonly longest: number
}

interface Step {
  readonly feature: number
  readonly zero: number
  readonly turns: readonly number[]
}

function waysOf(trees: readonly Tree[]): Ways {
  const ofTree = [0]
  const values: number[] = []
  const steps = [0]
  const features: number[] = []
  const zeros: number[] = []
  const ends = [0]
  const turns: number[] = []
  let longest = 0
  for (const tree of trees) {
    // A lone leaf is its own expected value.
    if (tree.left.length > 0) descend(tree, 0, [])
    ofTree.push(values.length)
  }
  return {
    ofTree: Int32Array.from(ofTree),
    values: Float64Array.from(values),
    steps: Int32Array.from(steps),
    features: Int32Array.from(features),
    zeros: Float64Array.from(zeros),
    ends: Int32Array.from(ends),
    turns: Int32Array.from(turns),
    longest,
  }

  function descend(tree: Tree, node: number, way: readonly Step[]): void {
    if (node >= 0) {
      for (const [child, side] of [
        [tree.left[node]!, 1],
        [tree.right[node]!, 0],
      ] as const)
        descend(
          tree,
          child,
          withTurn(way, tree.feature[node]!, rowsOf(tree, child) / tree.splitRows[node]!, node * 2 + side),
        )
      return
    }
    for (const step of way) {
      features.push(step.feature)
      zeros.push(step.zero)
      for (const turn of step.turns) turns.push(turn)
      ends.push(turns.length)
    }
    values.push(tree.leafValue[~node]!)
    steps.push(features.length)
    longest = Math.max(longest, way.length)
  }
}

function withTurn(way: readonly Step[], feature: number, share: number, turn: number): Step[] {
  const before = way.find((step) => step.feature === feature)
  if (!before) return [...way, { feature, zero: share, turns: [turn] }]
  const step = { feature, zero: before.zero * share, turns: [...before.turns, turn] }
  return way.map((each) => (each === before ? step : each))
}

/** A quadrature rule, with what is asked of it. */
interface Rule {
  readonly count: number
  readonly places: Float64Array
  /** 1 − place */
  readonly rests: Float64Array
  readonly weights: Float64Array
  /** weight / (1 − place) */
  readonly restWeights: Float64Array
}

/** The polynomial of `length` features less one has the degree `length` − 1. */
const placesFor = (length: number): number => (length + 1) >> 1

function ruleOf(count: number): Rule {
  const { places, weights } = quadratureOf(count)
  const rests = places.map((place) => 1 - place)
  return { count, places, rests, weights, restWeights: weights.map((weight, q) => weight / rests[q]!) }
}

function checkExplainable(tree: Tree, at: number): void {
  if (tree.linear)
    throw new ModelFormatError(
      `tree ${at}`,
      'contributions of linear trees are not defined; LightGBM refuses them too',
    )
  const depth = depthOf(tree)
  if (depth > MAX_DEPTH)
    throw new ModelFormatError(
      `tree ${at}`,
      `contributions are computed for trees up to ${MAX_DEPTH} deep, got ${depth}`,
    )
}

function expectedOf({ leafValue, leafRows, splitRows }: Tree): number {
  if (leafValue.length === 1) return leafValue[0]!
  let mean = 0
  for (let leaf = 0; leaf < leafValue.length; leaf++)
    mean += (leafRows[leaf]! / splitRows[0]!) * leafValue[leaf]!
  return mean
}

function rowsOf({ leafRows, splitRows }: Tree, node: number): number {
  return node < 0 ? leafRows[~node]! : splitRows[node]!
}

function depthOf({ left, right }: Tree): number {
  let depth = 0
  for (let level = left.length > 0 ? [0] : []; level.length > 0; depth++)
    level = level.flatMap((split) => [left[split]!, right[split]!]).filter((child) => child >= 0)
  return depth
}
