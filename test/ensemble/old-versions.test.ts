/**
 * Models that old versions of LightGBM wrote (zoo/make_old.py), as text and as those versions' own dumps, against the answers of
 * today's LightGBM to the same text. And what a file does not say: it is asked for, or refused.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parseModel } from '../../src/ensemble/index.ts'
import { dumpOf, leaf } from './dumps.ts'
import { compare } from './zoo/compare.ts'
import { readSpecimen, zooFiles } from './zoo.ts'

const models = 'test/fixtures/models'
const VERSIONS = ['2.0.5', '2.0.10', '2.1.2', '2.2.0', '2.2.3']
const specimens = zooFiles('test/fixtures/zoo-old').map(readSpecimen)

for (const specimen of specimens)
  t.test(specimen.name, (t) => {
    const { text, dump, objective } = specimen
    compare(t, specimen, 'text', text, objective)
    if (specimen.name.startsWith('2.0.5')) {
      t.throws(
        () => parseModel(dump, { objective, averageOutput: false }),
        /dumps of LightGBM 2\.0\.5 do not say/,
      )
      t.end()
      return
    }
    const isOlder = !specimen.name.startsWith('2.2.3')
    if (isOlder)
      t.throws(() => parseModel(dump), /expected objective and average_output, objective is missing/)
    const averageOutput = text.includes('\naverage_output\n')
    const options = isOlder ? { objective, averageOutput } : {}
    compare(t, specimen, 'dump', dump!, objective, options)
    t.end()
  })

t.test('every version has its models', (t) => {
  for (const version of VERSIONS)
    t.ok(specimens.filter(({ name }) => name.startsWith(`${version}-`)).length >= 10, version)
  t.end()
})

t.test('a text without "end of trees"', (t) => {
  const text = readFileSync(`${models}/01-v2.1-no-end-marker.txt`, 'utf8')
  const ensemble = parseModel(text)
  t.equal(ensemble.predictRaw(new Float64Array(5)), -1.0911009625993386)
  t.equal(ensemble.predict(new Float64Array(5)), 0.2514110166553152)
  t.equal(parseModel(text.replaceAll('\n', '\r\n')).predictRaw(new Float64Array(5)), -1.0911009625993386)
  const importances = text.indexOf('feature importances:')
  t.throws(() => parseModel(text.slice(0, importances)), /expected "end of trees": the file is cut short/)
  const lastTree = text.indexOf('Tree=9')
  t.throws(
    () => parseModel(`${text.slice(0, lastTree)}\n${text.slice(importances)}`),
    /tree_sizes says 10 trees, got 9/,
  )
  t.throws(() => parseModel(text.replace('leaf_count=102', 'leaf_count=10')), /tree 9 .*expected 807 bytes/)
  t.end()
})

t.test('a dump that does not say its objective', (t) => {
  const dump = JSON.parse(readFileSync(`${models}/02-v2.1-binary-dump.json`, 'utf8')) as object
  const row = new Float64Array(5)
  const said = parseModel(dump, { objective: 'binary sigmoid:1', averageOutput: false })
  t.equal(said.predict(row), 0.2514110166553152)
  t.equal(said.objective, 'binary sigmoid:1')
  t.equal(parseModel(dump, { objective: 'custom', averageOutput: false }).predict(row), -1.0911009625993386)
  t.throws(() => parseModel(dump), {
    name: 'ModelFormatError',
    message: /objective is missing: .*from 2\.2\.3 on/,
  })
  t.throws(() => parseModel(dump, { objective: 'custom' }), /average_output is missing/)
  t.throws(() => parseModel(dump, { averageOutput: false }), /objective is missing/)
  t.throws(() => parseModel(dump, { objective: 'binary', averageOutput: false }), /expected a sigmoid > 0/)
  t.throws(() => parseModel(dumpOf([leaf(1)]), { objective: 'poisson' }), {
    name: 'RangeError',
    message: /expected no objective, or the model file's own \("regression"\), got "poisson"/,
  })
  t.throws(
    () => parseModel(dumpOf([leaf(1)], { average_output: 1 })),
    /average_output: expected true or false, got 1/,
  )
  t.end()
})

t.test('other names of objectives', (t) => {
  const text = readFileSync(`${models}/03-v2.2.3-xentropy.txt`, 'utf8')
  t.equal(parseModel(text).predictRaw(new Float64Array(5)), -0.8509309803037002)
  t.equal(parseModel(text).predict(new Float64Array(5)), 0.2992375996345384)
  const output = (objective: string) =>
    parseModel(dumpOf([leaf(2)], { objective })).predict(new Float64Array(2))
  const identical = `mse l2 rmse mean_squared_error regression_l2 l2_root root_mean_squared_error mae l1 mean_absolute_error
    mean_absolute_percentage_error xendcg xe_ndcg xe_ndcg_mart xendcg_mart none null na custom`
  for (const name of identical.split(/\s+/)) t.equal(output(name), 2, name)
  t.equal(output('xentlambda'), Math.log1p(Math.exp(2)))
  t.equal(output('xentropy'), 1 / (1 + Math.exp(-2)))
  // ParseObjectiveAlias compares the whole text: these LightGBM refuses, too.
  for (const name of ['mse sqrt', 'l2 sqrt']) t.throws(() => output(name), /unknown objective/)
  for (const name of ['softmax', 'multiclass', 'ova']) t.throws(() => output(name), /expected num_class:1 in/)
  t.throws(() => output('multiclass num_class:2'), /expected num_class:1 in "multiclass num_class:2"/)
  t.end()
})
