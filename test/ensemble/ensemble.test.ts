/**
 * The evaluator against LightGBM's rules written down one by one, against a plain recursive evaluator on random models, and
 * against wrong files. Equality with LightGBM itself is test/bundle/conformance.test.ts's.
 */
import fc from 'fast-check'
import t from 'tap'
import { ModelFormatError, parseModel } from '../../src/ensemble/index.ts'
import { type DumpNode, dumpOf, leaf, split } from './dumps.ts'
import { hostileRow, randomTrees } from './random-models.ts'

/** kZeroThreshold */
const TINY = Math.fround(1e-35)

t.test('which way a value goes: Tree::NumericalDecision', (t) => {
  const goesRight = (options: DumpNode, value: number) =>
    parseModel(dumpOf([split(options)])).predictRaw(Float64Array.of(value, 0)) === 1
  const cases: [DumpNode, number, boolean][] = [
    [{}, 0.5, false],
    [{}, 0.5000000000000001, true],
    [{}, -Infinity, false],
    [{}, Infinity, true],
    [{}, NaN, false], // None: NaN is 0
    [{ threshold: -0.5 }, NaN, true], // whatever default_left says
    [{ threshold: 0 }, TINY, false], // tiny values become 0 before any tree
    [{ threshold: -TINY }, -TINY, true],
    [{ missing_type: 'NaN' }, NaN, false],
    [{ missing_type: 'NaN', default_left: false }, NaN, true],
    [{ missing_type: 'NaN', default_left: false, threshold: 1e300 }, NaN, true],
    [{ missing_type: 'NaN', default_left: false, threshold: 1e300 }, Infinity, false], // 1e300 stands for Infinity
    [{ missing_type: 'NaN', threshold: -1e300 }, NaN, false],
    [{ missing_type: 'NaN', threshold: -1e300 }, -1e308, true],
    [{ missing_type: 'Zero', threshold: -1 }, 0, false],
    [{ missing_type: 'Zero', threshold: -1 }, NaN, false],
    [{ missing_type: 'Zero', threshold: -1 }, TINY, false],
    [{ missing_type: 'Zero', threshold: -1 }, TINY * 1.01, true],
    [{ missing_type: 'Zero', default_left: false }, 0, true],
    [{ missing_type: 'Zero', default_left: false }, NaN, true],
    [{ missing_type: 'Zero', default_left: false }, 0.1, false],
  ]
  for (const [options, value, right] of cases)
    t.equal(goesRight(options, value), right, `${value} at ${JSON.stringify(options)}`)
  t.end()
})

t.test('which way a category goes: Tree::CategoricalDecision', (t) => {
  const node = split({ decision_type: '==', threshold: '0||3||40' })
  const ensemble = parseModel(dumpOf([node]))
  const goesLeft = (value: number) => ensemble.predictRaw(Float64Array.of(value, 0)) === -1
  for (const value of [0, 3, 40, 3.9, -0.5, 1e-36]) t.equal(goesLeft(value), true, `${value} goes left`)
  for (const value of [1, 2, 41, 64, 1e6, 4294967299, -1, NaN, Infinity, -Infinity])
    t.equal(goesLeft(value), false, `${value} goes right`)
  t.end()
})

t.test('leaves are summed from first to last', (t) => {
  const values = [0.1, 0.2, 0.3, 1e16, -1e16]
  const ensemble = parseModel(dumpOf(values.map((value) => leaf(value))))
  t.equal(
    ensemble.predictRaw(new Float64Array(2)),
    values.reduce((sum, value) => sum + value, 0),
  )
  t.equal(ensemble.treeCount, 5)
  t.equal(parseModel(dumpOf([])).predictRaw(new Float64Array(2)), 0)
  t.end()
})

t.test('outputs', (t) => {
  const output = (objective: string, raw: number, overrides = {}) =>
    parseModel(dumpOf([leaf(raw)], { objective, ...overrides })).predict(new Float64Array(2))
  t.equal(output('regression', -3), -3)
  t.equal(output('regression sqrt', -3), -9)
  t.equal(output('tweedie', -3), Math.exp(-3))
  t.equal(output('poisson', 2), Math.exp(2))
  t.equal(output('binary sigmoid:1', 2), 1 / (1 + Math.exp(-2)))
  t.equal(output('binary sigmoid:0.7', 2), 1 / (1 + Math.exp(-0.7 * 2)))
  t.equal(output('cross_entropy_lambda', 2), Math.log1p(Math.exp(2)))
  t.equal(output('', 2), 2, 'a custom objective')
  const forest = parseModel(dumpOf([leaf(1), leaf(2)], { average_output: true }))
  t.equal(forest.predict(new Float64Array(2)), 1.5, 'a random forest averages')
  t.equal(forest.predictRaw(new Float64Array(2)), 3, 'but not its raw score')
  t.end()
})

t.test('random models: the loop equals a recursive evaluator', (t) => {
  fc.assert(
    fc.property(randomTrees, fc.array(hostileRow, { minLength: 1 }), (trees, rows) => {
      const ensemble = parseModel(dumpOf(trees))
      for (const row of rows) {
        const expected = trees.reduce((sum, each) => sum + walk(each, row), 0)
        const actual = ensemble.predictRaw(Float64Array.from(row)) as number
        if (!Object.is(actual, expected)) throw new Error(`expected ${expected}, got ${actual} for ${row}`)
      }
    }),
    { numRuns: 500 },
  )
  t.end()
})

/** LightGBM's rules, read from its source once more and written plainly. */
function walk(node: DumpNode, row: readonly number[]): number {
  if ('leaf_value' in node) return node['leaf_value'] as number
  let value = row[node['split_feature'] as number]!
  if (Math.abs(value) <= TINY) value = 0
  return walk(node[goesLeft(node, value) ? 'left_child' : 'right_child'] as DumpNode, row)
}

function goesLeft(node: DumpNode, value: number): boolean {
  if (node['decision_type'] === '==')
    return (node['threshold'] as string)
      .split('||')
      .some((category) => Number(category) === Math.trunc(value))
  let threshold = node['threshold'] as number
  // What a dump's ±1e300 stands for: see dump.ts.
  if (threshold >= 1e300) threshold = Infinity
  if (threshold <= -1e300) threshold = -Number.MAX_VALUE
  if (node['missing_type'] === 'NaN' && Number.isNaN(value)) return node['default_left'] as boolean
  if (Number.isNaN(value)) value = 0
  if (node['missing_type'] === 'Zero' && value === 0) return node['default_left'] as boolean
  return value <= threshold
}

t.test('a tree deeper than the call stack', (t) => {
  let tree = leaf(7)
  for (let depth = 0; depth < 100_000; depth++) tree = split({ threshold: depth }, leaf(-1), tree)
  t.equal(parseModel(dumpOf([tree])).predictRaw(Float64Array.of(1e9, 0)), 7)
  t.end()
})

t.test('a file that is not understood is refused, with the place', (t) => {
  const wrong: [unknown, RegExp][] = [
    [null, /the document: expected an object, got null/],
    ['[]', /line 1: expected "tree", got "\[\]"/],
    ['tree\nversion=v4', /expected "end of trees": the file is cut short/],
    [dumpOf([], { feature_names: ['a'] }), /max_feature_idx: 2 columns, but 1 feature names/],
    [dumpOf([], { feature_names: 'a' }), /feature_names: expected a list/],
    [dumpOf([], { tree_info: {} }), /tree_info: expected a list/],
    [dumpOf([leaf(1)], { num_tree_per_iteration: 2 }), /1 trees are not a multiple of 2/],
    [dumpOf([], { num_tree_per_iteration: -1 }), /num_tree_per_iteration to be a whole number/],
    [dumpOf([], { objective: 'cubic' }), /objective: unknown objective "cubic"/],
    [dumpOf([], { objective: 'binary' }), /expected a sigmoid > 0/],
    [dumpOf([split({ split_feature: 2 })]), /tree_info\[0\], split 0: expected a feature from 0 to 1, got 2/],
    [dumpOf([split({ split_feature: 0.5 })]), /split_feature/],
    [dumpOf([split({ threshold: null })]), /expected threshold to be a number, got null/],
    [dumpOf([split({ decision_type: '<' })]), /decision_type "<=" or "==", got "<"/],
    [dumpOf([split({ missing_type: 'Inf' })]), /missing_type None, Zero or NaN, got "Inf"/],
    [dumpOf([split({ default_left: 1 })]), /default_left/],
    ...['1||x', '', '||', '0||', '0x0', ' 0 ', '1e0', 0, [0], { toString: 1 }].map(
      (threshold): [unknown, RegExp] => [
        dumpOf([split({ decision_type: '==', threshold })]),
        /expected categories "a\|\|b/,
      ],
    ),
    [
      dumpOf([split({ split_index: { toString: 1 }, decision_type: [[]] })]),
      /split an object: expected decision_type "<=" or "==", got a list/,
    ],
    [
      dumpOf(
        Array.from({ length: 40 }, (_, at) =>
          split({ decision_type: '==', threshold: String(2 ** 24 - 1 - at) }),
        ),
      ),
      /the sets of categories up to here take more than 67108864 bytes/,
    ],
    [
      dumpOf([{ ...leaf(1), leaf_const: 1, leaf_features: [0.7], leaf_coeff: [1] }]),
      /expected leaf_features to be a whole number/,
    ],
    [
      dumpOf([split({ decision_type: '==', threshold: '4294967296' })]),
      /expected a category to be a whole number/,
    ],
    [
      dumpOf([leaf(1), { ...split({}), right_child: undefined }]),
      /tree_info\[1\], right_child of split 0: expected an object/,
    ],
    [dumpOf([{ leaf_value: null }]), /leaf 0: expected leaf_value/],
    [
      dumpOf([split({}, { leaf_value: 1, leaf_index: 1 }, { leaf_value: 1, leaf_index: 1 })]),
      /leaf_index 1 is used twice/,
    ],
    [
      dumpOf([split({}, leaf(0), { leaf_value: 1, leaf_index: 5 })]),
      /expected leaf_index from 0 to 1, got 5/,
    ],
    [dumpOf([{ ...leaf(1), leaf_const: 1 }]), /expected leaf_features to be a list/],
  ]
  for (const [source, message] of wrong)
    t.throws(() => parseModel(source), { name: 'ModelFormatError', message })
  t.throws(() => parseModel(null), ModelFormatError)
  t.throws(() => parseModel(dumpOf([])).predict(new Float64Array(3)), /expected a row of 2 doubles, got 3/)
  t.end()
})
