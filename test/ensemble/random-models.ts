/**
 * Random trees of two features, and rows that meet their thresholds, zeros and missing values.
 */
import fc from 'fast-check'
import { type DumpNode, leaf, split } from './dumps.ts'

/** kZeroThreshold */
const TINY = Math.fround(1e-35)

const value = fc.oneof(
  fc.constantFrom(NaN, 0, -0, Infinity, -Infinity, TINY, -TINY, TINY * 2, 1, 2, 3, -1),
  fc.double({ noNaN: true }),
)
const threshold = fc.oneof(
  fc.constantFrom(0, TINY, -TINY, 1e300, -1e300, 1, 2),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
)
const { tree } = fc.letrec<{ tree: DumpNode; leaf: DumpNode; split: DumpNode }>((tie) => ({
  leaf: fc.double({ noNaN: true, min: -10, max: 10 }).map((value) => leaf(value)),
  split: fc
    .tuple(
      fc.record({
        split_feature: fc.nat(1),
        threshold,
        default_left: fc.boolean(),
        missing_type: fc.constantFrom('None', 'Zero', 'NaN'),
      }),
      fc.option(fc.uniqueArray(fc.nat(70), { minLength: 1, maxLength: 5 }), { freq: 3 }),
      tie('tree'),
      tie('tree'),
    )
    .map(([options, categories, left, right]) =>
      split(
        categories ? { ...options, decision_type: '==', threshold: categories.join('||') } : options,
        left,
        right,
      ),
    ),
  tree: fc.oneof({ maxDepth: 6, depthSize: 'large' }, tie('leaf'), tie('split')),
}))

export const randomTrees = fc.array(tree, { maxLength: 9 })
export const hostileRow = fc.tuple(value, value)
