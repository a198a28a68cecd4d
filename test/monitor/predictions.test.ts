/**
 * Predictions as figures: by model, by category with a bound, and drift of what a real bundle is asked.
 */
import t from 'tap'
import { type Bundle, loadBundle, roundTo6 } from '../../src/bundle/index.ts'
import { PredictionFigures } from '../../src/monitor/predictions.ts'
import { EXAMPLE, type Install, rowOf } from '../example.ts'
import { bundleLike } from '../http/app.ts'

const bundle = await loadBundle('artifacts/champion')

function figuresOf(inService: { variant: string; bundle: Bundle }[] = [{ variant: 'champion', bundle }]) {
  const figures = new PredictionFigures({
    inService: () => inService,
    driftWindowMs: 3_600_000,
    clock: () => 0,
    random: () => 0,
  })
  return {
    inService,
    driftOf: () => figures.driftOf(bundle),
    note: (install: Install, predictedRevenue = 1, of = bundle, variant = 'champion') =>
      figures.note([
        {
          answer: { bundle: of, prediction: { revenue: predictedRevenue } },
          record: {
            inputs: of.inputs,
            row: rowOf({ ...EXAMPLE, ...install }),
            predictedRevenue: roundTo6(predictedRevenue),
            inferenceTimeUs: 7,
            variant,
          },
        },
      ]),
    /** As `label=… : value`, sorted. */
    read: (name: string) =>
      figures
        .metrics()
        .find((metric) => metric.name === name)!
        .samples()
        .map(({ metricName = name, labels = {}, value }) =>
          [metricName.slice(name.length), ...Object.values(labels), value]
            .filter((part) => part !== '')
            .join(' '),
        ),
  }
}

t.test('by model', (t) => {
  const challenger = bundleLike(bundle, 'new')
  const { note, read } = figuresOf([
    { variant: 'champion', bundle },
    { variant: 'challenger', bundle: challenger },
  ])
  const { version } = bundle.manifest
  t.same(read('day7_predictions_total'), [`champion ${version} 0`, 'challenger new 0'], 'from the start')
  note({}, 2)
  note({}, 3)
  note({}, 4, challenger, 'challenger')
  t.same(read('day7_predictions_total'), [`champion ${version} 2`, 'challenger new 1'])
  t.same(read('day7_predicted_revenue'), [
    `_sum champion ${version} 5`,
    `_count champion ${version} 2`,
    '_sum challenger new 4',
    '_count challenger new 1',
  ])
  const inference = read('day7_inference_seconds').filter((line) => line.includes('new'))
  t.equal(inference[0], '_bucket challenger new 0.000005 0')
  t.equal(inference[1], '_bucket challenger new 0.00001 1')
  t.same(inference.slice(-3), [
    '_bucket challenger new +Inf 1',
    '_sum challenger new 0.000007',
    '_count challenger new 1',
  ])
  t.end()
})

t.test('a model that comes again counts on; of many, the oldest that do not serve are given up', (t) => {
  const { note, read } = figuresOf()
  note({})
  note({}, 1, bundleLike(bundle, bundle.manifest.version))
  t.same(read('day7_predictions_total'), [`champion ${bundle.manifest.version} 2`])
  for (let i = 0; i < 50; i++) note({}, 1, bundleLike(bundle, `v${i}`))
  const versions = read('day7_predictions_total')
  t.equal(versions.length, 20)
  t.ok(versions.includes(`champion ${bundle.manifest.version} 2`), 'the one in service is kept')
  t.ok(versions.includes('champion v49 1'))
  t.end()
})

t.test('by category, as the model knows them', (t) => {
  const { note, read } = figuresOf()
  note({ country: 'es' }, 1)
  note({ country: 'ES' }, 2)
  note({ country: 'us' }, 4)
  note({ country: 'atlantis' }, 8)
  note({ country: null }, 16)
  note({ country: '' }, 32)
  t.same(read('day7_predicted_revenue_by_country').sort(), [
    '_count es 2',
    '_count missing 2',
    '_count other 1',
    '_count us 1',
    '_sum es 3',
    '_sum missing 48',
    '_sum other 8',
    '_sum us 4',
  ])
  t.same(read('day7_predicted_revenue_by_platform'), ['_sum ios 63', '_count ios 6'])
  t.same(read('day7_predicted_revenue_by_source'), ['_sum organic 63', '_count organic 6'])
  t.end()
})

t.test(
  'values that the model does not know: all of them as a metric, a sample of them in the window',
  (t) => {
    const { note, read, driftOf } = figuresOf()
    read('day7_predictions_total')
    t.ok(read('day7_unknown_values_total').includes('country blanks 0'), 'there before the first')
    const known = { country_region: 'belville', event_1: 1 }
    for (let i = 0; i < 10; i++)
      note({ country: i < 7 ? 'us ' : 'us', source: i === 0 ? 'NULL' : 'organic', ...known })
    note({ country: 'atlantis', ...known }, 1, bundleLike(bundle, 'new'), 'challenger')
    t.same(
      read('day7_unknown_values_total').filter((line) => !line.endsWith(' 0')),
      ['country blanks 7', 'country unseen 1', 'source marker 1'],
    )
    t.match(driftOf(), {
      count: 10,
      unknown: [
        { field: 'country', reason: 'blanks', count: 7 },
        { field: 'source', reason: 'marker', count: 1 },
      ],
    })
    t.end()
  },
)

t.test('callers cannot make series', (t) => {
  const { note, read } = figuresOf()
  for (let i = 0; i < 5000; i++)
    note({ country: `c${i}`, source: i % 2 === 0 ? `Organic${i}` : 'oRGANIC', platform: '__proto__' })
  for (const field of ['country', 'source', 'platform'])
    t.ok(read(`day7_predicted_revenue_by_${field}`).length <= 2 * 2)
  t.end()
})

t.test(
  'a model with many categories has the most frequent ones; later ones add theirs up to the bound',
  (t) => {
    const many = (prefix: string) =>
      Object.assign(bundleLike(bundle, prefix), {
        categories: new Map([
          [
            'country',
            { names: Array.from({ length: 90 }, (_, i) => `${prefix}${i}`), fold: (text: string) => text },
          ],
        ]),
      })
    const { note, read, inService } = figuresOf([{ variant: 'champion', bundle: many('a') }])
    for (let i = 0; i < 90; i++) note({ country: `a${i}` }, 1, inService[0]!.bundle)
    const second = many('b')
    for (let i = 0; i < 90; i++) note({ country: `b${i}` }, 1, second)
    const series = read('day7_predicted_revenue_by_country').filter((line) => line.startsWith('_count'))
    t.equal(series.length, 101)
    t.ok(series.includes('_count other 80'))
    t.end()
  },
)

t.test('the shipped model’s categories', (t) => {
  t.same([...bundle.categories.keys()], ['country', 'country_region', 'source', 'platform', 'device_family'])
  t.same(bundle.categories.get('platform')!.names, ['android', 'ios'])
  const { names, fold } = bundle.categories.get('country')!
  t.equal(names.length, 60)
  t.equal(names[0], 'us', 'the most frequent first')
  t.equal(fold('US'), 'us')
  t.end()
})

t.test('drift of what the bundle is asked', (t) => {
  const { note, read } = figuresOf()
  t.same(read('day7_feature_drift_psi'), [])
  t.same(read('day7_drift_window_predictions'), ['champion 0'])
  for (let i = 0; i < 200; i++) note(EXAMPLE, 311)
  t.match(read('day7_drift_window_predictions')[0], /^champion \d+$/)
  const index = (name: string, feature: string) =>
    Number(
      read(name)
        .find((line) => line.startsWith(`champion ${feature}`))!
        .split(' ')
        .at(-1),
    )
  t.equal(read('day7_feature_drift_psi').length, bundle.manifest.features.length)
  t.ok(index('day7_feature_drift_psi', 'platform_code') > 0.25, 'all on one platform')
  t.ok(index('day7_feature_drift_psi', 'device_family_missing') < 0.1, 'hardly ever missing, as in training')
  t.ok(index('day7_prediction_drift_psi', '') > 0.25)
  t.end()
})

t.test('predictions as in training have not drifted, however small they are', (t) => {
  const { note, read } = figuresOf()
  const { edges } = bundle.profile.predictions
  t.ok(edges.filter((edge) => edge < 1e-6).length >= 2, 'several bins would be rounded to 0')
  const values = [edges[0]! / 2, ...edges.map((edge, at) => (edge + (edges[at + 1] ?? 2 * edge)) / 2)]
  for (let i = 0; i < 1000; i++) note({}, values[i % values.length])
  const index = Number(read('day7_prediction_drift_psi')[0]!.split(' ').at(-1))
  t.ok(index < 0.01, `${index}`)
  t.end()
})
