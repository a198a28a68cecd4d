/**
 * A model trained on pandas categories takes the categories themselves, as LightGBM's `predict` of a table (zoo/make_pandas.py).
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parseModel } from '../../src/ensemble/index.ts'

type Value = string | number | null
const { text, dump, rows, raw } = JSON.parse(readFileSync('test/fixtures/models/pandas.json', 'utf8')) as {
  text: string
  dump: Record<string, unknown>
  rows: [number | null, string | null, number | null][]
  raw: number[]
}
const named = ([spend, country, level]: readonly Value[]) => ({
  spend: spend!,
  country: country!,
  level: level!,
})
const undecided = text.replace('[categorical_feature: 1,2]', '[categorical_feature: 1]')

for (const [road, ensemble] of [
  ['text', parseModel(text)],
  ['dump', parseModel(dump)],
  ['named', parseModel(undecided, { pandasColumns: ['country', 'level'] })],
] as const)
  t.test(road, (t) => {
    t.strictSame(
      rows.map((row) => ensemble.predictRaw(ensemble.rowOf(named(row)))),
      raw,
    )
    const [spend, country, level] = [0, 1, 2].map((at) => rows.map((row) => row[at]!))
    const matrix = ensemble.matrixOf({ level: level!, country: country!, spend: spend! })
    t.strictSame([...ensemble.predictBatch(matrix, rows.length, { raw: true })], raw)
    t.strictSame(ensemble.rowOf({ country: 'unknown', level: '7' }), Float64Array.of(NaN, NaN, NaN))
    t.throws(() => ensemble.rowOf({ country: 1 }), { name: 'TypeError', message: /which are texts, got 1/ })
    t.throws(() => ensemble.rowOf({ spend: 'es' }), { name: 'TypeError', message: /expected a number/ })
    t.throws(() => ensemble.matrixOf({ spend: [1], level: [] }), /expected 1 values in "level", got 0/)
    t.end()
  })

t.test('columns that the file leaves open', (t) => {
  t.throws(() => parseModel(undecided).rowOf({ country: 'es' }), /name them in the option pandasColumns/)
  for (const pandasColumns of [['country'], ['level', 'country'], ['country', 'x']])
    t.throws(
      () => parseModel(text, { pandasColumns }),
      /expected pandasColumns to be 2 of the model's features/,
    )
  t.throws(() => parseModel(text.replace(/pandas_categorical:.*/, 'pandas_categorical:[x')), /expected JSON/)
  t.throws(() => parseModel({ ...dump, pandas_categorical: [1] }), /expected null or a list of lists/)
  t.end()
})
