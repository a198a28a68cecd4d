/**
 * Files that are broken, or made to break: each is a ModelFormatError that says where. Never a hang, a crash or a number.
 */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { ModelFormatError, parseModel } from '../../src/ensemble/index.ts'
import { dumpOf, leaf, split } from './dumps.ts'

const text = readFileSync('artifacts/champion/model.txt', 'utf8')

/** A model of one tree: a split into a leaf and a split. */
const SMALL = `tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=regression
feature_names=a b
feature_infos=[0:1] [0:1]

Tree=0
num_leaves=3
num_cat=0
split_feature=0 1
threshold=0.5 0.5
decision_type=2 2
left_child=-1 -2
right_child=1 -3
leaf_value=1 2 3
shrinkage=1


end of trees
`

const smallWith = (key: string, value: string): string =>
  SMALL.replace(new RegExp(`^${key}=.*$`, 'm'), `${key}=${value}`)
const smallWithout = (key: string): string => SMALL.replace(new RegExp(`^${key}=.*\n`, 'm'), '')

t.test('the small model is a good one', (t) => {
  const ensemble = parseModel(SMALL)
  t.equal(ensemble.predict(Float64Array.of(0, 0)), 1)
  t.equal(ensemble.predict(Float64Array.of(1, 0)), 2)
  t.equal(ensemble.predict(Float64Array.of(1, 1)), 3)
  t.equal(ensemble.predict(ensemble.rowOf({ a: 1, b: 1 })), 3)
  t.throws(() => ensemble.rowOf({ c: 1 }), /expected a feature of the model \(a, b\), got c/)
  t.end()
})

t.test('hostile texts', (t) => {
  const wrong: [string, string, RegExp][] = [
    ['empty', '', /line 1: expected "tree", got ""/],
    ['no model', 'hello', /line 1: expected "tree", got "hello"/],
    ['cut short', text.slice(0, text.length / 2), /the end: expected "end of trees"/],
    ['no columns', smallWithout('max_feature_idx'), /the header: expected max_feature_idx/],
    ['columns and names', smallWith('max_feature_idx', '2'), /says 3 columns, feature_names has 2/],
    [
      'a billion leaves',
      smallWith('num_leaves', '1000000000'),
      /tree 0 \(line 11\): expected 1000000000 numbers in leaf_value, got 3/,
    ],
    [
      'more leaves than a number',
      smallWith('num_leaves', '99999999999'),
      /expected num_leaves to be a whole number/,
    ],
    ['negative leaves', smallWith('num_leaves', '-3'), /expected num_leaves to be a whole number/],
    ['no leaves', smallWith('num_leaves', '0'), /expected num_leaves ≥ 1/],
    [
      'a billion sets of categories',
      smallWith('num_cat', '1000000000'),
      /expected cat_boundaries, it is missing/,
    ],
    ['too few thresholds', smallWith('threshold', '0.5'), /expected 2 numbers in threshold, got 1/],
    ['no thresholds', smallWithout('threshold'), /expected threshold, it is missing/],
    ['a threshold that is none', smallWith('threshold', '0.5 x'), /expected numbers in threshold, got "x"/],
    [
      'a hexadecimal threshold',
      smallWith('threshold', '0.5 0x10'),
      /expected numbers in threshold, got "0x10"/,
    ],
    ['NaN threshold', smallWith('threshold', '0.5 nan'), /split 1: expected a threshold, got NaN/],
    [
      'a cycle',
      smallWith('right_child', '0 -3'),
      /split 0: expected a child among 2 splits and 3 leaves, got 0/,
    ],
    ['two cycles', smallWith('left_child', '1 -2'), /child 1 has two parents/],
    [
      'itself',
      smallWith('right_child', '-2 1').replace('left_child=-1 -2', 'left_child=-1 -3'),
      /1 of 2 splits are not reached/,
    ],
    ['a leaf twice', smallWith('left_child', '-1 -1'), /split 1: child -1 has two parents/],
    ['a child out of range', smallWith('right_child', '7 -3'), /got 7/],
    ['a leaf out of range', smallWith('left_child', '-1 -9'), /got -9/],
    [
      'half a child',
      smallWith('left_child', '-1 0.5'),
      /expected left_child to be a whole number .*, got 0.5/,
    ],
    [
      'a child beyond 32 bits',
      smallWith('right_child', '4294967297 -3'),
      /expected right_child to be a whole number/,
    ],
    ['a feature out of range', smallWith('split_feature', '0 2'), /expected a feature from 0 to 1, got 2/],
    ['a negative feature', smallWith('split_feature', '0 -1'), /expected a feature from 0 to 1, got -1/],
    [
      'a decision type of more bits',
      smallWith('decision_type', '258 2'),
      /expected decision_type to be a whole number from 0 to 15, got 258/,
    ],
    ['half a decision type', smallWith('decision_type', '2.5 2'), /got 2.5/],
    ['missing type 3', smallWith('decision_type', '2 14'), /expected missing type 0, 1 or 2, got 3/],
    ['an unknown objective', smallWith('objective', 'cubic'), /objective: unknown objective "cubic"/],
    [
      'trees and classes',
      smallWith('num_tree_per_iteration', '2'),
      /1 trees are not a multiple of 2 classes/,
    ],
    [
      'a billion classes',
      smallWith('num_tree_per_iteration', '1000000000').replace(/Tree=0[^]*?\n\n\n/, ''),
      /expected the number of classes to be a whole number from 1 to 1000000, got 1000000000/,
    ],
    [
      'no class',
      smallWith('num_tree_per_iteration', '0'),
      /expected the number of classes to be a whole number from 1 to 1000000, got 0/,
    ],
  ]
  for (const [name, source, message] of wrong)
    t.throws(
      () => parseModel(source),
      { name: 'ModelFormatError', code: 'MODEL_FORMAT_INVALID', message },
      name,
    )
  t.end()
})

t.test('a tree of one leaf needs no lists of splits', (t) => {
  const lone = SMALL.replace(/num_leaves=3[^]*shrinkage/, 'num_leaves=1\nnum_cat=0\nleaf_value=5\nshrinkage')
  t.equal(parseModel(lone).predict(new Float64Array(2)), 5)
  t.end()
})

t.test('options that are none', (t) => {
  for (const options of [{ startIteration: 0.5 }, { numIterations: 1.5 }, { startIteration: NaN }])
    t.throws(() => parseModel(SMALL, options), { name: 'RangeError', message: /to be a whole number, got/ })
  t.end()
})

t.test('hostile dumps', (t) => {
  const polluted = JSON.parse(
    JSON.stringify(dumpOf([split({})])).replace(
      '"split_feature":0',
      '"__proto__":{"leaf_value":7},"split_feature":0',
    ),
  )
  t.equal(parseModel(polluted).predictRaw(new Float64Array(2)), -1, '__proto__ is a key like any other')
  const cyclic = split({})
  cyclic['left_child'] = cyclic
  t.throws(
    () => parseModel(dumpOf([leaf(1)], { tree_info: [{ tree_structure: cyclic }] })),
    ModelFormatError,
    'a cycle',
  )
  t.throws(() => parseModel(JSON.stringify(dumpOf([]))), /expected "tree"/, 'JSON as a text')
  t.throws(() => parseModel(42), /expected an object, got number/)
  t.throws(() => parseModel(undefined), /expected an object, got undefined/)
  t.end()
})

t.test('trees of a depth of 100,000', (t) => {
  const depth = 100_000
  let tree = leaf(7)
  for (let i = 0; i < depth; i++) tree = split({ threshold: i }, leaf(-1), tree)
  const ensemble = parseModel(dumpOf([tree]))
  t.equal(ensemble.kernel, 'reference', 'its words would need more than 32 bits')
  t.equal(ensemble.predictRaw(Float64Array.of(1e9, 0)), 7)
  t.throws(() => ensemble.predictContributions(Float64Array.of(1e9, 0)), /up to 1000 deep, got 100000/)
  const count = Array.from({ length: depth }, (_, i) => i)
  const chain = SMALL.replace('num_leaves=3', `num_leaves=${depth + 1}`)
    .replace(/^split_feature=.*$/m, `split_feature=${count.map(() => 0).join(' ')}`)
    .replace(/^threshold=.*$/m, `threshold=${count.join(' ')}`)
    .replace(/^decision_type=.*$/m, `decision_type=${count.map(() => 2).join(' ')}`)
    .replace(/^left_child=.*$/m, `left_child=${count.map((i) => ~i).join(' ')}`)
    .replace(
      /^right_child=.*$/m,
      `right_child=${count.map((i) => (i + 1 < depth ? i + 1 : ~depth)).join(' ')}`,
    )
    .replace(/^leaf_value=.*$/m, `leaf_value=${[...count, depth].join(' ')}`)
  t.equal(parseModel(chain).predictRaw(Float64Array.of(500.5, 0)), 501)
  t.end()
})

t.test('a text with bytes changed is refused or evaluated, and nothing else', (t) => {
  const small = text.slice(0, text.indexOf('Tree=3')) + 'end of trees\n'
  const lines = small.split('\n')
  const change = fc.oneof(
    fc
      .record({ at: fc.nat(small.length), cut: fc.nat(40), insert: fc.string({ maxLength: 8 }) })
      .map(({ at, cut, insert }) => small.slice(0, at) + insert + small.slice(at + cut)),
    fc
      .tuple(fc.nat(lines.length - 1), fc.nat(lines.length - 1))
      .map(([from, to]) => lines.with(to, lines[from]!).join('\n')),
    fc
      .tuple(
        fc.nat(lines.length - 1),
        fc.constantFrom('-1', '0', '1e999', 'nan', '-nan', 'inf', '2147483648', '', '0x1', '1_0'),
      )
      .map(([at, value]) => lines.with(at, lines[at]!.replace(/=.*$/, `=${value}`)).join('\n')),
  )
  fc.assert(
    fc.property(change, (source) => {
      let ensemble
      try {
        ensemble = parseModel(source)
      } catch (error) {
        if (!(error instanceof ModelFormatError)) throw error
        return
      }
      const answer = ensemble.predict(new Float64Array(ensemble.featureCount))
      if (typeof answer !== 'number' && answer.length !== ensemble.classCount) throw new Error('no answer')
    }),
    { numRuns: 1000 },
  )
  t.end()
})
