/**
 * Packs the trees of a model with one class into one 32-bit word a node, for the streaming kernels (`stream.ts`, `wasm.ts`).
 *
 * Thresholds are replaced by their rank among all thresholds of their feature: a row's value is ranked once, by binary search,
 * and then every split compares small integers. `value <= thresholds[i]` holds exactly if `rank(value) <= i`, where the rank is the
 * number of thresholds below the value. So nothing is rounded.
 *
 *   word:  rank of the threshold | step to the right child | slot of the row's rank | leaf? | 00
 *
 * The left child lies directly behind the right one. A leaf does not end a walk: its word is the root of the next tree, with the
 * leaf bit set, so that a walk streams from tree to tree and never waits to learn that it has arrived. Behind the last tree
 * lies a word of zeros: slot 0 is greater than every threshold, and its step leads to itself.
 */
import { isIn, withoutDust } from './decision.ts'
import { CATEGORICAL, DEFAULT_LEFT, MISSING_NONE, missingType, type Tree } from './tree.ts'

export const LEAF_BIT = 2
export const SLOT_SHIFT = 3

/** Where a row's value is ranked: one for each feature and missing type that the splits use. */
export interface Ranking {
  readonly feature: number
  /** LightGBM's missing type. */
  readonly missing: number
  /** Ascending, filled up with Infinity to one less than a power of two. */
  readonly thresholds: Float64Array
  /** Slots of the rank with the missing values sent left, and right; the same slot if none can be missing. */
  readonly leftSlot: number
  readonly rightSlot: number
}

export interface CategorySlot {
  readonly feature: number
  readonly categories: Uint32Array
  readonly slot: number
}

export interface Packed {
  readonly words: Int32Array
  /** Leaf values, each at its node. */
  readonly values: Float64Array
  /** The first node of each tree, and behind them the word of zeros. */
  readonly roots: Int32Array
  readonly rankings: readonly Ranking[]
  readonly categorySlots: readonly CategorySlot[]
  readonly slotCount: number
  readonly slotMask: number
  readonly stepShift: number
  readonly stepMask: number
  readonly rankShift: number
}

/** @returns null if the words would need more than 32 bits; `loop.ts` evaluates such models */
export function pack(trees: readonly Tree[]): Packed | null {
  const table = new SlotTable(trees)
  const roots = new Int32Array(trees.length + 1)
  trees.forEach((tree, at) => (roots[at + 1] = roots[at]! + tree.left.length + tree.leafValue.length))
  const nodeCount = roots.at(-1)! + 1

  const largestTree = trees.reduce((most, _, at) => Math.max(most, roots[at + 1]! - roots[at]!), 1)
  const slotBits = bitsFor(table.slotCount - 1)
  const stepBits = bitsFor(largestTree + 1) // from a tree's first node to the next one's second
  const stepShift = SLOT_SHIFT + slotBits
  const rankShift = stepShift + stepBits
  if (rankShift + Math.max(1, bitsFor(table.greatestRank)) > 32) return null

  const words = new Int32Array(nodeCount)
  const values = new Float64Array(nodeCount)
  /** What the root of a tree asks, from a node `before` it: a split's question, or the step to a lone leaf. */
  const rootFrom = (at: number, before: number): number => {
    const tree = trees[at]
    const step = roots[at]! - before
    if (!tree || tree.left.length === 0) return step << stepShift
    return question(tree, 0) | ((step + 1) << stepShift)
  }
  const question = (tree: Tree, split: number): number =>
    (table.rankOf(tree, split) << rankShift) | (table.slotOf(tree, split) << SLOT_SHIFT)

  trees.forEach((tree, at) => {
    let end = roots[at]! + 1
    for (let level = [[tree.left.length > 0 ? 0 : ~0, roots[at]!] as const]; level.length > 0;) {
      const below: typeof level = []
      for (const [node, n] of level) {
        if (node < 0) {
          values[n] = tree.leafValue[~node]!
          words[n] = rootFrom(at + 1, n) | (1 << LEAF_BIT)
          continue
        }
        words[n] = question(tree, node) | ((end - n) << stepShift)
        below.push([tree.right[node]!, end], [tree.left[node]!, end + 1])
        end += 2
      }
      level = below
    }
  })
  const { rankings, categorySlots, slotCount } = table
  const slotMask = 2 ** slotBits - 1
  const stepMask = 2 ** stepBits - 1
  return {
    words,
    values,
    roots,
    rankings,
    categorySlots,
    slotCount,
    slotMask,
    stepShift,
    stepMask,
    rankShift,
  }
}

/** Puts `low` into the slots of the sets that a row is in, and `high` into the others; `stride` integers from slot to slot. */
export function fillCategorySlots(
  categorySlots: readonly CategorySlot[],
  rows: Float64Array,
  start: number,
  slots: Int32Array,
  stride: number,
  low: number,
  high: number,
): void {
  for (let i = 0; i < categorySlots.length; i++) {
    const { feature, categories, slot } = categorySlots[i]!
    slots[slot * stride] = isIn(categories, withoutDust(rows[start + feature]!)) ? low : high
  }
}

/** Bits that hold whole numbers from 0 to `most`. */
const bitsFor = (most: number): number => 32 - Math.clz32(most)

/** Collects what the splits ask: sorted thresholds for each feature and missing type, and the sets of categories. */
class SlotTable {
  readonly rankings: Ranking[] = []
  readonly categorySlots: CategorySlot[] = []
  /** Slot 0 is the one of the word behind the last tree. */
  slotCount = 1
  greatestRank = 0
  readonly #ranks = new Map<string, { readonly ranks: Map<number, number>; readonly ranking: Ranking }>()
  readonly #sets = new Map<string, CategorySlot>()

  constructor(trees: readonly Tree[]) {
    const thresholds = new Map<string, { feature: number; missing: number; values: Set<number> }>()
    for (const tree of trees) {
      for (let split = 0; split < tree.left.length; split++) {
        const feature = tree.feature[split]!
        if (tree.decision[split]! & CATEGORICAL) {
          this.#addSet(tree, split)
          continue
        }
        const key = keyOf(tree, split)
        const found = thresholds.get(key) ?? {
          feature,
          missing: missingType(tree.decision[split]!),
          values: new Set(),
        }
        thresholds.set(key, found)
        found.values.add(tree.threshold[split]!)
      }
    }
    for (const [key, { feature, missing, values }] of thresholds) {
      const sorted = Float64Array.from(values).sort()
      const filled = new Float64Array(2 ** bitsFor(sorted.length) - 1).fill(Infinity)
      filled.set(sorted)
      const leftSlot = this.slotCount++
      const rightSlot = missing === MISSING_NONE ? leftSlot : this.slotCount++
      const ranking = { feature, missing, thresholds: filled, leftSlot, rightSlot }
      this.rankings.push(ranking)
      const ranks = new Map<number, number>()
      sorted.forEach((threshold, rank) => ranks.set(threshold, rank))
      this.#ranks.set(key, { ranks, ranking })
      this.greatestRank = Math.max(this.greatestRank, filled.length)
    }
  }

  rankOf(tree: Tree, split: number): number {
    if (tree.decision[split]! & CATEGORICAL) return 0
    return this.#ranks.get(keyOf(tree, split))!.ranks.get(tree.threshold[split]!)!
  }

  slotOf(tree: Tree, split: number): number {
    if (tree.decision[split]! & CATEGORICAL) return this.#addSet(tree, split).slot
    const { leftSlot, rightSlot } = this.#ranks.get(keyOf(tree, split))!.ranking
    return tree.decision[split]! & DEFAULT_LEFT ? leftSlot : rightSlot
  }

  #addSet(tree: Tree, split: number): CategorySlot {
    const feature = tree.feature[split]!
    const categories = tree.categories[tree.threshold[split]!]!
    const key = `${feature} ${categories.join()}`
    let found = this.#sets.get(key)
    if (!found) {
      found = { feature, categories, slot: this.slotCount++ }
      this.#sets.set(key, found)
      this.categorySlots.push(found)
    }
    return found
  }
}

const keyOf = (tree: Tree, split: number): string =>
  `${tree.feature[split]!} ${missingType(tree.decision[split]!)}`
