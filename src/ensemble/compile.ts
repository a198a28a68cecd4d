/**
 * Lays trees out for the loop in `loop.ts`: flat typed arrays, one node after another.
 *
 *   node n:   view[n]       which view of the row it looks at
 *             threshold[n]  the row goes left if that view is ≤ this
 *             child[n]      its right child; the left one lies directly behind it
 *
 * So the next node is `child[n] + (row[view[n]] <= threshold[n])`, without a branch. A leaf looks at view 0, which is NaN in
 * every row: NaN ≤ x is false, so the leaf leads to its `child`, which is itself. Its `threshold` holds its value.
 *
 * A view is a feature's value with the missing ones already sent to their side: −Infinity is ≤ any threshold and goes left,
 * NaN is ≤ none and goes right. A categorical split has a view of its own, −Infinity or NaN.
 */
import { CATEGORICAL, DEFAULT_LEFT, MISSING_NAN, MISSING_NONE, missingType, type Tree } from './tree.ts'

/** How a view is made from its feature's value; the numbers are only names. */
export const VIEW_NONE = 0 // missing is 0
export const VIEW_NAN_LEFT = 1 // NaN goes left
export const VIEW_NAN_RIGHT = 2 // NaN goes right
export const VIEW_ZERO_LEFT = 3 // NaN and zero go left
export const VIEW_ZERO_RIGHT = 4 // NaN and zero go right
export const VIEW_CATEGORY = 5 // the categories in the set go left

export interface View {
  readonly feature: number
  readonly kind: number
  /** Only for VIEW_CATEGORY. */
  readonly categories: Uint32Array
}

export interface Layout {
  readonly view: Int32Array
  readonly threshold: Float64Array
  readonly child: Int32Array
  /** The first node of each tree; filled up to a multiple of four with a tree that adds nothing. */
  readonly root: Int32Array
  /** Steps that the deepest of each four trees needs. */
  readonly steps: Int32Array
  /** What to fill in before the loop; entry i belongs to slot i + 1, since slot 0 is the leaves' NaN. */
  readonly views: readonly View[]
  /** Each node's LightGBM leaf number; −1 for a split. */
  readonly leafIndex: Int32Array
}

/** Trees that `loop.ts` walks at a time, to keep four loads in flight. */
export const TREES_IN_FLIGHT = 4

export function compile(trees: readonly Tree[]): Layout {
  const filled = Math.ceil(trees.length / TREES_IN_FLIGHT) * TREES_IN_FLIGHT
  const nodeCount = trees.reduce((total, tree) => total + tree.left.length + tree.leafValue.length, 0) + 1
  const layout = {
    view: new Int32Array(nodeCount),
    threshold: new Float64Array(nodeCount),
    child: new Int32Array(nodeCount),
    root: new Int32Array(filled).fill(nodeCount - 1),
    steps: new Int32Array(filled / TREES_IN_FLIGHT),
    leafIndex: new Int32Array(nodeCount).fill(-1),
  }
  const views = new ViewTable()

  let next = 0
  trees.forEach((tree, at) => {
    layout.root[at] = next
    const group = Math.floor(at / TREES_IN_FLIGHT)
    const { end, depth } = place(tree, next)
    layout.steps[group] = Math.max(layout.steps[group]!, depth)
    next = end
  })
  // The tree that adds nothing: −0, since x + (−0) is x for every double, +0 and −0 included.
  placeLeaf(next, -0, 0)
  return { ...layout, views: views.list }

  /** Level by level, so that siblings are neighbours and the first steps of a tree share a cache line. */
  function place(tree: Tree, start: number): { end: number; depth: number } {
    let end = start + 1
    let depth = -1
    for (let level = [[tree.left.length > 0 ? 0 : ~0, start] as const]; level.length > 0; depth++) {
      const below: typeof level = []
      for (const [node, n] of level) {
        if (node < 0) {
          placeLeaf(n, tree.leafValue[~node]!, ~node)
          continue
        }
        layout.view[n] = views.slotOf(tree, node)
        layout.threshold[n] = tree.decision[node]! & CATEGORICAL ? 0 : tree.threshold[node]!
        layout.child[n] = end
        below.push([tree.right[node]!, end], [tree.left[node]!, end + 1])
        end += 2
      }
      level = below
    }
    return { end, depth }
  }

  function placeLeaf(n: number, value: number, index: number): void {
    layout.threshold[n] = value
    layout.child[n] = n
    layout.leafIndex[n] = index
  }
}

/** Gives splits that ask the same of the row the same slot. */
class ViewTable {
  readonly list: View[] = []
  readonly #slots = new Map<string, number>()

  slotOf(tree: Tree, split: number): number {
    const feature = tree.feature[split]!
    const kind = kindOf(tree.decision[split]!)
    const categories = kind === VIEW_CATEGORY ? tree.categories[tree.threshold[split]!]! : NO_CATEGORIES
    const key = `${feature} ${kind} ${categories.join()}`
    let slot = this.#slots.get(key)
    if (slot === undefined) {
      slot = this.list.push({ feature, kind, categories })
      this.#slots.set(key, slot)
    }
    return slot
  }
}

const NO_CATEGORIES = new Uint32Array(0)

/** Tree::NumericalDecision: the missing type decides, and `default_left` counts only where something can be missing. */
function kindOf(decision: number): number {
  if (decision & CATEGORICAL) return VIEW_CATEGORY
  const missing = missingType(decision)
  const left = (decision & DEFAULT_LEFT) !== 0
  if (missing === MISSING_NONE) return VIEW_NONE
  if (missing === MISSING_NAN) return left ? VIEW_NAN_LEFT : VIEW_NAN_RIGHT
  return left ? VIEW_ZERO_LEFT : VIEW_ZERO_RIGHT
}
