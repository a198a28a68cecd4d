/**
 * One tree as LightGBM's files have it, in arrays: splits and leaves are numbered apart, and a child is a split (≥ 0) or the
 * leaf ~child (< 0). Both readers end here; `checkTree` lets through only what is one tree of splits that can be decided.
 */
import { ModelFormatError } from './errors.ts'
import type { PandasCategories } from './pandas.ts'

/** LightGBM's `decision_type` bits (include/LightGBM/tree.h). */
export const CATEGORICAL = 1
export const DEFAULT_LEFT = 2
export const MISSING_SHIFT = 2
export const MISSING_NONE = 0
export const MISSING_ZERO = 1
export const MISSING_NAN = 2

export interface Tree {
  /** The column that a split looks at. */
  readonly feature: Int32Array
  /** Numerical: a row goes left if its value is ≤ this. Categorical: which of `categories`. */
  readonly threshold: Float64Array
  readonly decision: Uint8Array
  readonly left: Int32Array
  readonly right: Int32Array
  /** Sets of categories that go left: one bit each, lowest first. */
  readonly categories: readonly Uint32Array[]
  readonly leafValue: Float64Array
  /** Training rows that passed a split or ended in a leaf; 0 where the file does not say. Only for contributions. */
  readonly splitRows: Float64Array
  readonly leafRows: Float64Array
  readonly linear: LinearLeaves | null
}

/** Leaf l answers `constant[l]` + the sum of `coefficients[l][j]` × the value of column `features[l][j]`. */
export interface LinearLeaves {
  readonly constant: Float64Array
  readonly features: readonly Int32Array[]
  readonly coefficients: readonly Float64Array[]
}

export interface Model {
  readonly featureNames: readonly string[]
  /** Trees of one iteration, one for each class, lie side by side. */
  readonly classCount: number
  /** LightGBM's objective with its parameters, e.g. `binary sigmoid:1`; '' where the file has none. */
  readonly objective: string
  /** Random forests: the output is the mean over the iterations, the raw score is the sum. */
  readonly averageOutput: boolean
  readonly pandas: PandasCategories | null
  readonly trees: readonly Tree[]
}

export const missingType = (decision: number): number => (decision >> MISSING_SHIFT) & 3

/** @throws ModelFormatError if it is not one tree, or a split cannot be decided */
export function checkTree(tree: Tree, featureCount: number, where: string): void {
  const splits = tree.feature.length
  const leaves = tree.leafValue.length
  if (leaves !== splits + 1)
    throw new ModelFormatError(where, `${splits} splits cannot have ${leaves} leaves`)
  const seen = new Uint8Array(splits + leaves)
  const see = (child: number, split: number): void => {
    if (!(child < splits && ~child < leaves) || child === 0)
      throw new ModelFormatError(
        `${where}, split ${split}`,
        `expected a child among ${splits} splits and ${leaves} leaves, got ${child}`,
      )
    const place = child < 0 ? splits + ~child : child
    if (seen[place]) throw new ModelFormatError(`${where}, split ${split}`, `child ${child} has two parents`)
    seen[place] = 1
  }
  for (let split = 0; split < splits; split++) {
    see(tree.left[split]!, split)
    see(tree.right[split]!, split)
    checkSplit(tree, split, featureCount, `${where}, split ${split}`)
  }
  checkReached(tree, where)
  checkLinear(tree.linear, leaves, featureCount, where)
}

function checkSplit(
  { feature, decision, threshold, categories }: Tree,
  split: number,
  featureCount: number,
  where: string,
): void {
  const column = feature[split]!
  if (!(column >= 0 && column < featureCount))
    throw new ModelFormatError(where, `expected a feature from 0 to ${featureCount - 1}, got ${column}`)
  const value = threshold[split]!
  if (decision[split]! & CATEGORICAL) {
    if (!categories[value])
      throw new ModelFormatError(
        where,
        `expected one of ${categories.length} sets of categories, got ${value}`,
      )
  } else if (Number.isNaN(value)) throw new ModelFormatError(where, 'expected a threshold, got NaN')
  if (missingType(decision[split]!) > MISSING_NAN)
    throw new ModelFormatError(where, `expected missing type 0, 1 or 2, got ${missingType(decision[split]!)}`)
}

/** Every node has one parent, so what the root does not reach is a cycle. */
function checkReached({ left, right }: Tree, where: string): void {
  const open = left.length > 0 ? [0] : []
  let reached = 0
  for (let split = open.pop(); split !== undefined; split = open.pop()) {
    reached++
    for (const child of [left[split]!, right[split]!]) if (child >= 0) open.push(child)
  }
  if (reached !== left.length)
    throw new ModelFormatError(
      where,
      `${left.length - reached} of ${left.length} splits are not reached from the root`,
    )
}

function checkLinear(linear: LinearLeaves | null, leaves: number, featureCount: number, where: string): void {
  if (!linear) return
  for (let leaf = 0; leaf < leaves; leaf++) {
    if (linear.features[leaf]!.length !== linear.coefficients[leaf]!.length)
      throw new ModelFormatError(`${where}, leaf ${leaf}`, 'expected as many coefficients as features')
    for (const column of linear.features[leaf]!)
      if (!(column >= 0 && column < featureCount))
        throw new ModelFormatError(
          `${where}, leaf ${leaf}`,
          `expected a feature from 0 to ${featureCount - 1}, got ${column}`,
        )
  }
}
