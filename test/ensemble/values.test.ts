/**
 * The boundary of JavaScript: what is missing, what is no number, and what was meant by what is no model. All kernels and all calls
 * take the same.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { type Ensemble, type ModelOptions, parseModel } from '../../src/ensemble/index.ts'
import { dumpOf, leaf, split } from './dumps.ts'

const KERNELS = ['wasm', 'typed-array', 'reference'] as const
const trees = [
  split({ missing_type: 'NaN', default_left: false }),
  split({ split_feature: 1, missing_type: 'NaN', default_left: false }, leaf(10), leaf(20)),
]
const ensembles = KERNELS.map((kernel) => parseModel(dumpOf(trees), { kernel }))
const taking = (values: unknown): ((ensemble: Ensemble) => number)[] => [
  (ensemble) => ensemble.predict(values as number[]) as number,
  (ensemble) => ensemble.predictRaw(values as number[]) as number,
  (ensemble) => ensemble.predictBatch(values as number[], 1)[0]!,
  (ensemble) => ensemble.predictLeaf(values as number[]).reduce((sum, at) => sum * 2 + at, 0),
  (ensemble) => ensemble.predictContributions(values as number[])[0]!,
]

t.test('null and undefined are missing, in every kernel and call', (t) => {
  for (const row of [[null, 0], [undefined, 0], Object.assign([], { 1: 0 })]) {
    const expected = taking(Float64Array.of(NaN, 0)).map((call) => ensembles.map(call))
    t.strictSame(
      taking(row).map((call) => ensembles.map(call)),
      expected,
    )
  }
  t.equal(ensembles[0]!.predict([null, 0]), 11)
  t.equal(ensembles[0]!.predict([0, 0]), 9)
  for (const row of [Float32Array.of(1, 0), Int32Array.of(1, 0), [1, 0]])
    for (const ensemble of ensembles) t.equal(ensemble.predict(row), 11)
  t.end()
})

t.test('what is no number', (t) => {
  for (const value of ['', '1', true, 1n, {}, [1], new Date(0)]) {
    for (const call of taking([value, 0]))
      for (const ensemble of ensembles)
        t.throws(() => call(ensemble), { name: 'TypeError', message: /value 0: expected a number, or null/ })
    t.throws(() => ensembles[0]!.rowOf({ b: value as number }), {
      name: 'TypeError',
      message: /a row, "b": expected a number, or null for a missing value, got /,
    })
  }
  for (const row of ['00', null, undefined, 5, { length: 2 }, new Map()])
    for (const call of taking(row)) t.throws(() => call(ensembles[0]!), { name: 'TypeError' })
  t.throws(() => ensembles[0]!.predict(BigInt64Array.of(1n, 0n) as unknown as number[]), {
    name: 'TypeError',
  })
  t.throws(() => ensembles[0]!.predict([0]), { name: 'RangeError' })
  const out = new Float32Array(1) as unknown as Float64Array
  t.throws(() => ensembles[0]!.predict([0, 0], out), {
    name: 'TypeError',
    message: /out to be a Float64Array/,
  })
  t.throws(() => ensembles[0]!.predictBatch([0, 0], 1, { out }), { name: 'TypeError' })
  t.end()
})

t.test('rowOf', (t) => {
  const [ensemble] = ensembles
  t.strictSame(ensemble!.rowOf({ a: null, b: undefined }), Float64Array.of(NaN, NaN))
  t.strictSame(ensemble!.rowOf({ b: 2 }), Float64Array.of(NaN, 2))
  const names = Array.from({ length: 20_000 }, (_, at) => `feature_${at}`)
  const wide = parseModel(dumpOf([leaf(1)], { feature_names: names, max_feature_idx: names.length - 1 }))
  const row = wide.rowOf(Object.fromEntries(names.map((name, at) => [name, at])))
  t.ok(row.every((value, at) => value === at))
  t.throws(() => wide.rowOf({ x: 1 }), {
    name: 'RangeError',
    message: /^expected a feature of the model \(feature_0, .*, feature_7, … 20000 in all\), got x$/,
  })
  const twice = parseModel(dumpOf([leaf(1)], { feature_names: ['a', 'a'] }))
  t.strictSame(twice.rowOf({ a: 1 }), Float64Array.of(1, NaN), 'the first of one name')
  t.end()
})

t.test('likely mistakes, each with its own sentence', (t) => {
  const text = readFileSync('test/fixtures/models/04-good.txt', 'utf8')
  const cases: [unknown, RegExp][] = [
    [Buffer.from(text), /got bytes: decode them/],
    [new TextEncoder().encode(text), /got bytes: decode them/],
    [new ArrayBuffer(8), /got bytes: decode them/],
    [Promise.resolve(text), /got a promise: await it/],
    ['models/model.txt', /got what looks like a path \("models\/model.txt"\): pass the text/],
    ['model.json', /got what looks like a path/],
    ['C:\\model.lgb', /got what looks like a path/],
    [JSON.stringify(dumpOf([])), /a dump is passed as JSON\.parse\(text\)/],
    [`\ufeff${text}`, /got a byte order mark \(U\+FEFF\)/],
    [{ learner: {}, version: [2, 0, 0] }, /got XGBoost's JSON/],
    [{ oblivious_trees: [], model_info: {} }, /got CatBoost's JSON/],
    [{ trees: [], model_info: {}, features_info: {} }, /got CatBoost's JSON/],
  ]
  for (const [source, message] of cases)
    t.throws(() => parseModel(source), { name: 'ModelFormatError', message }, String(message))
  t.throws(() => parseModel(text, { numIteration: 3 } as ModelOptions), {
    name: 'RangeError',
    message: /^expected the options startIteration, numIterations, .*, got "numIteration"$/,
  })
  t.throws(() => ensembles[0]!.predictBatch([0, 0], 1, { rawScore: true } as object), /got "rawScore"/)
  t.end()
})

t.test('categories too great for a dump', (t) => {
  const dump = dumpOf([split({ decision_type: '==', threshold: String(2 ** 24) })])
  t.throws(
    () => parseModel(dump),
    /got 16777216: a set takes a bit for every number up to it; use model\.txt/,
  )
  t.end()
})
