/**
 * Linear trees: the output of a leaf that holds a small linear model (Tree::Predict with is_linear). A value that is missing
 * puts the constant leaf value in its place. A leaf without features answers its constant, whatever its leaf value.
 */
import { withoutDust } from './decision.ts'
import type { Tree } from './tree.ts'

export function linearOutput(tree: Tree, leaf: number, rows: Float64Array, start: number): number {
  const { linear } = tree
  if (!linear) return tree.leafValue[leaf]!
  const features = linear.features[leaf]!
  const coefficients = linear.coefficients[leaf]!
  let sum = linear.constant[leaf]!
  for (let i = 0; i < features.length; i++) {
    const value = withoutDust(rows[start + features[i]!]!)
    if (Number.isNaN(value)) return tree.leafValue[leaf]!
    sum += coefficients[i]! * value
  }
  return sum
}
