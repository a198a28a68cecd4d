/**
 * Explanations of the shipped model: they sum up to the raw score, by input field and by feature, and what is the trees' share is LightGBM's
 * own TreeSHAP. That of several ensembles is in combination.test.ts, and over HTTP in http/explain.test.ts.
 */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import {
  Bundle,
  type Contribution,
  ExplanationError,
  loadBundle,
  type RawScoreExplanation,
} from '../../src/bundle/index.ts'
import { verifyBundle } from '../../src/bundle/verify.ts'
import { compileModel } from '../../src/ensemble/index.ts'
import { parseFeaturePlan } from '../../src/features/index.ts'
import { NINE_FIELDS } from '../../src/inputs/index.ts'
import { EXAMPLE, EXAMPLE_ROW, type Install, rowOf } from '../example.ts'

const INSTALL_FIELDS = Object.keys(EXAMPLE)

const CHAMPION = 'artifacts/champion'
const TOLERANCE = 1e-9
const bundle = await loadBundle(CHAMPION)
const golden = readFileSync(`${CHAMPION}/golden.ndjson`, 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line) as { readonly install: Install; readonly raw_score: number })
const plan = parseFeaturePlan(JSON.parse(readFileSync(`${CHAMPION}/features.json`, 'utf8')), NINE_FIELDS)

const explain = (install: Install, of = bundle): RawScoreExplanation =>
  of.explain(rowOf(install)) as RawScoreExplanation
const sumOf = (base: number, list: readonly Contribution[]): number =>
  list.reduce((sum, { contribution }) => sum + contribution, base)
const sizeOf = (base: number, list: readonly Contribution[]): number =>
  list.reduce((size, { contribution }) => size + Math.abs(contribution), Math.abs(base))

function problemOf(install: Install): string | null {
  const { raw_score, base_value, contributions, features } = explain(install)
  if (raw_score !== bundle.predict(rowOf(install)).rawScore) return `raw score ${raw_score}`
  for (const list of [contributions, features]) {
    const difference = Math.abs(sumOf(base_value, list) - raw_score)
    if (!(difference <= TOLERANCE * sizeOf(base_value, list))) return `off by ${difference}`
    const sizes = list.map(({ contribution }) => Math.abs(contribution))
    if (sizes.join() !== sizes.toSorted((a, b) => b - a).join()) return 'not in order'
  }
  const fields = contributions.map(({ feature }) => feature)
  if (fields.toSorted().join() !== INSTALL_FIELDS.toSorted().join()) return `fields ${fields.join()}`
  const wrong = contributions.find(({ feature, value }) => value !== install[feature as keyof Install])
  return wrong ? `value of ${wrong.feature}` : null
}

t.test('of the golden installs', (t) => {
  for (const { install, raw_score } of golden) {
    const problem = problemOf(install)
    if (problem || explain(install).raw_score !== raw_score)
      t.fail(`${problem} for ${JSON.stringify(install)}`)
  }
  t.pass(`${golden.length} installs`)
  t.end()
})

t.test('of any install', (t) => {
  const known = (field: keyof Install) =>
    fc.constantFrom(...new Set(golden.map(({ install }) => install[field])))
  const text = (field: keyof Install) =>
    fc.oneof(known(field), fc.string({ unit: 'binary', maxLength: 20 }), fc.constant(null))
  const count = fc.oneof(
    fc.nat(300),
    fc.double({ min: 0, noNaN: true, max: 1e9 }),
    fc.constantFrom(0, 5e-324, 1e15),
  )
  const install = fc.record({
    country: text('country'),
    country_region: text('country_region'),
    source: text('source'),
    platform: text('platform'),
    device_family: text('device_family'),
    os_version: text('os_version'),
    event_1: count,
    event_2: count,
    event_3: fc.oneof(count, fc.constant(null)),
  }) as fc.Arbitrary<Install>
  fc.assert(
    fc.property(install, (install) => {
      const problem = problemOf(install)
      if (problem) throw new Error(problem)
    }),
    { numRuns: 300 },
  )
  t.end()
})

t.test('trees: LightGBM’s algorithm; the offset: against an install of which nothing is known', (t) => {
  const row = new Float64Array(plan.features.length)
  const offset = plan.encode(EXAMPLE_ROW, row)
  const contributions = bundle.ensemble.predictContributions(row)
  const { base, shares } = plan.shareOffset(EXAMPLE_ROW)!
  const nothing = rowOf({})
  t.equal(base, plan.encode(nothing, new Float64Array(row.length)))
  const { base_value, contributions: byField, features } = explain(EXAMPLE)
  t.equal(base_value, contributions.at(-1)! + base)
  t.same(features[0], { feature: 'log_expected_revenue', value: offset, contribution: offset - base })
  for (const [at, name] of plan.features.entries())
    t.match(
      features.find(({ feature }) => feature === name),
      { value: row[at], contribution: contributions[at] },
      name,
    )
  // Those of the operating system alone, and an equal part of what is made of three counts.
  const of = (name: string) => contributions[plan.features.indexOf(name)]!
  t.equal(
    byField.find(({ feature }) => feature === 'os_version')!.contribution,
    of('os_major') + of('os_minor') + of('os_version_missing'),
  )
  const event3 =
    ['event_3', 'log_event_3', 'event_3_missing'].reduce((sum, name) => sum + of(name), 0) +
    ['total_events', 'event_1_ratio', 'event_2_ratio', 'event_3_ratio'].reduce(
      (sum, name) => sum + of(name) / 3,
      0,
    ) +
    shares.get('event_3')!
  t.ok(Math.abs(byField.find(({ feature }) => feature === 'event_3')!.contribution - event3) < 1e-12)
  t.end()
})

t.test('what a model has no number for is null', (t) => {
  const { features, contributions } = explain({ ...EXAMPLE, os_version: 'unknown', event_3: null })
  const valueOf = (name: string) => features.find(({ feature }) => feature === name)!.value
  t.equal(valueOf('os_major'), null)
  t.equal(valueOf('event_3'), null)
  t.equal(contributions.find(({ feature }) => feature === 'event_3')!.value, null)
  t.end()
})

t.test('better no explanation than a wrong one', async (t) => {
  const parts = await verifyBundle(CHAMPION)
  const text = readFileSync(`${CHAMPION}/model.json`, 'utf8')
  const changed = (from: RegExp, to: string): Bundle =>
    new Bundle({
      ...parts,
      models: new Map([['model.json', compileModel(JSON.parse(text.replaceAll(from, to)))]]),
    })
  // A file without the rows of its nodes.
  const bare = changed(/"(internal|leaf)_count"/g, '"unknown"')
  t.throws(() => explain(EXAMPLE, bare), {
    name: 'ExplanationError',
    code: 'EXPLANATION_UNAVAILABLE',
    message: /^there is no explanation: expected contributions that sum up to the raw score \S+, got NaN$/,
  })
  const linear = changed(
    /"leaf_value":([^,}]+)/g,
    '"leaf_value":$1,"leaf_const":1,"leaf_features":[],"leaf_coeff":[]',
  )
  t.throws(() => explain(EXAMPLE, linear), ExplanationError)
  t.throws(() => explain(EXAMPLE, linear), {
    message: /^there is no explanation: model.json: model file, tree 0: .*linear trees/,
  })
  t.equal(typeof linear.predict(EXAMPLE_ROW).revenue, 'number', 'it predicts all the same')
})
