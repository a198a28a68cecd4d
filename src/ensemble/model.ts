/**
 * A LightGBM model as its file has it, before it is laid out for evaluation. Every reader of a file format ends here, and
 * `compile.ts` begins here.
 */

/** LightGBM's `MissingType` (include/LightGBM/tree.h). */
export const MISSING_NONE = 0
export const MISSING_ZERO = 1
export const MISSING_NAN = 2
export type MissingType = typeof MISSING_NONE | typeof MISSING_ZERO | typeof MISSING_NAN

export interface NumericalSplit {
  readonly feature: number
  /** A row goes left if its value is ≤ this. */
  readonly threshold: number
  readonly missing: MissingType
  readonly defaultLeft: boolean
  readonly categories?: never
  readonly left: TreeNode
  readonly right: TreeNode
}

export interface CategoricalSplit {
  readonly feature: number
  /** The categories that go left: one bit each, lowest first (LightGBM's `cat_threshold` words). */
  readonly categories: Uint32Array
  readonly left: TreeNode
  readonly right: TreeNode
}

export interface Leaf {
  readonly value: number
  /** The leaf's number in LightGBM's own counting, which is not left to right. */
  readonly index: number
}

export type Split = NumericalSplit | CategoricalSplit
export type TreeNode = Split | Leaf

export const isLeaf = (node: TreeNode): node is Leaf => 'value' in node

export interface Model {
  readonly featureNames: readonly string[]
  /** Trees of one iteration, one for each class, lie side by side. */
  readonly classCount: number
  /** LightGBM's objective with its parameters, e.g. `binary sigmoid:1`; '' where the file has none. */
  readonly objective: string
  /** Random forests: the output is the mean over the iterations, the raw score is the sum. */
  readonly averageOutput: boolean
  readonly trees: readonly TreeNode[]
}
