/**
 * Contributions are Shapley values: on small random trees they are what the definition says, feature by feature; and they sum up to
 * the raw score, also where LightGBM's own lose their digits.
 */
import fc from 'fast-check'
import t from 'tap'
import { parseModel } from '../../src/ensemble/index.ts'
import { quadratureOf } from '../../src/ensemble/quadrature.ts'
import { type DumpNode, dumpOf, leaf, split } from './dumps.ts'

const FEATURES = 5
const NAMES = Array.from({ length: FEATURES }, (_, i) => `f${i}`)
const TOLERANCE = 1e-12

const { node } = fc.letrec<{ node: DumpNode }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 7, depthSize: 'large' },
    fc
      .tuple(fc.double({ noNaN: true, min: -10, max: 10 }), fc.integer({ min: 1, max: 50 }))
      .map(([value, rows]) => ({ ...leaf(value), leaf_count: rows })),
    fc
      .tuple(
        fc.record({ split_feature: fc.nat(FEATURES - 1), threshold: fc.integer({ min: -3, max: 3 }) }),
        tie('node'),
        tie('node'),
      )
      .map(([options, left, right]) =>
        split({ ...options, internal_count: rowsOf(left) + rowsOf(right) }, left, right),
      ),
  ),
}))

const rowsOf = (node: DumpNode): number => (node['leaf_count'] ?? node['internal_count']) as number

/** What the tree is expected to answer where only the features in `known` are known. */
function expectedOf(node: DumpNode, row: Float64Array, known: number): number {
  if ('leaf_value' in node) return node['leaf_value'] as number
  const [left, right] = [node['left_child'], node['right_child']] as [DumpNode, DumpNode]
  const feature = node['split_feature'] as number
  if ((known >> feature) & 1)
    return expectedOf(row[feature]! <= (node['threshold'] as number) ? left : right, row, known)
  return (
    (rowsOf(left) * expectedOf(left, row, known) + rowsOf(right) * expectedOf(right, row, known)) /
    rowsOf(node)
  )
}

/** By the definition: the mean over all orders of what a feature changes when it becomes known. */
function shapleyValues(expected: (known: number) => number): Float64Array {
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1))
  const sizeOf = (set: number): number => NAMES.filter((_, i) => (set >> i) & 1).length
  const values = new Float64Array(FEATURES + 1)
  for (let set = 0; set < 1 << FEATURES; set++)
    for (let i = 0; i < FEATURES; i++) {
      if ((set >> i) & 1) continue
      const size = sizeOf(set)
      const weight = (factorial(size) * factorial(FEATURES - 1 - size)) / factorial(FEATURES)
      values[i]! += weight * (expected(set | (1 << i)) - expected(set))
    }
  values[FEATURES] = expected(0)
  return values
}

t.test('they are what the definition says', (t) => {
  const row = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: FEATURES, maxLength: FEATURES })
  fc.assert(
    fc.property(fc.array(node, { minLength: 1, maxLength: 4 }), row, (trees, values) => {
      const row = Float64Array.from(values)
      const dump = dumpOf(trees, { max_feature_idx: FEATURES - 1, feature_names: NAMES })
      const ensemble = parseModel(dump)
      const actual = ensemble.predictContributions(row)
      const expected = shapleyValues((known) =>
        trees.reduce((sum, tree) => sum + expectedOf(tree, row, known), 0),
      )
      const most = TOLERANCE * (1 + expected.reduce((sum, value) => sum + Math.abs(value), 0))
      const sum = actual.reduce((total, value) => total + value, 0)
      return (
        actual.every((value, i) => Math.abs(value - expected[i]!) <= most) &&
        Math.abs(sum - (ensemble.predictRaw(row) as number)) <= most
      )
    }),
    { numRuns: 300 },
  )
  t.end()
})

t.test('a chain of two hundred splits, each on a feature of its own', (t) => {
  const depth = 200
  let tree: DumpNode = { ...leaf(1000), leaf_count: 1 }
  for (let feature = depth - 1; feature >= 0; feature--)
    tree = split(
      { split_feature: feature, internal_count: rowsOf(tree) + 3 },
      { ...leaf(feature), leaf_count: 3 },
      tree,
    )
  const feature_names = Array.from({ length: depth }, (_, i) => `f${i}`)
  const ensemble = parseModel(dumpOf([tree], { max_feature_idx: depth - 1, feature_names }))
  for (const turn of [0, 1, 100, depth - 1, depth]) {
    const row = new Float64Array(depth).map((_, feature) => +(feature !== turn))
    const contributions = ensemble.predictContributions(row)
    const sum = contributions.reduce((total, value) => total + value, 0)
    t.ok(Math.abs(sum - (ensemble.predictRaw(row) as number)) < 1e-9, `${sum}`)
    t.ok(
      contributions.every((value) => Math.abs(value) <= 1000),
      'each of them is within the leaves',
    )
  }
  t.end()
})

t.test('places and weights integrate polynomials exactly', (t) => {
  for (const count of [1, 2, 3, 8, 40]) {
    const { places, weights } = quadratureOf(count)
    for (const degree of [0, 1, count, 2 * count - 1]) {
      const integral = places.reduce((sum, place, i) => sum + weights[i]! * place ** degree, 0)
      t.ok(Math.abs(integral * (degree + 1) - 1) < 1e-13, `${count} places, degree ${degree}`)
    }
  }
  t.end()
})
