/**
 * `/experiments`: what it asks of the log, how the answer is written, and that comparisons take turns.
 */
import t, { type Test } from 'tap'
import { loadBundle } from '../../src/bundle/index.ts'
import type { Comparison } from '../../src/experiments/index.ts'
import type { AppContext } from '../../src/http/index.ts'
import type { ExperimentQuery, ExperimentRows } from '../../src/prediction-log/index.ts'
import { AWAY, appWith, beAway, bundleLike, heldUp, logWith, NOW, rolloutOf, send } from './app.ts'

const bundle = await loadBundle('artifacts/champion')
const { name, version } = bundle.manifest
const FROM = new Date('2025-12-05T03:04:05.678Z')
const rollout = rolloutOf(bundle, bundleLike(bundle, 'next'), { challengerShare: 0.25, shadow: true })

const NO_ROWS = { actual: new Float64Array(), user: new Uint32Array(), users: 0 }
const ROWS: ExperimentRows = {
  from: FROM,
  pairs: { ...NO_ROWS, champion: new Float64Array(), challenger: new Float64Array() },
  champion: { ...NO_ROWS, predicted: new Float64Array() },
  challenger: { ...NO_ROWS, predicted: new Float64Array() },
  sampled: true,
  failures: { asked: 500, failed: 3 },
  split: {
    since: new Date('2025-12-20T00:00:10Z'),
    until: null,
    challengerShare: 0.25,
    champion: 750,
    challenger: 250,
    both: 1,
  },
}

const FIGURE = { champion: 2, challenger: 1, difference: -1, interval: { low: -2, high: -0.5 } }
const FOUND: Comparison = {
  basis: 'between',
  pairs: { users: 0, predictions: 0, payers: 0 },
  champion: { users: 700, predictions: 710, payers: 70 },
  challenger: { users: 240, predictions: 241, payers: 60 },
  differences: {
    mae: FIGURE,
    normalisedGini: FIGURE,
    biasRatio: { ...FIGURE, challenger: NaN, difference: NaN, interval: null },
    biasDistance: { ...FIGURE, challenger: Infinity, difference: Infinity, interval: null },
  },
  sampleRatio: { champion: 750, challenger: 250, expectedChallengerShare: 0.25, pValue: 1, mismatch: false },
  verdict: 'better',
  reason: 'because',
}

async function appOn(t: Test, context: Partial<AppContext> = {}, rows = ROWS, found = FOUND) {
  const asked: ExperimentQuery[] = []
  const { app } = await appWith({
    rollout,
    predictionLog: logWith({
      experiment: async (query) => {
        asked.push(query)
        return rows
      },
    }),
    compare: async () => found,
    ...context,
  })
  t.teardown(() => app.close())
  return { app, asked }
}

t.test('the models in service, of the last 28 days', async (t) => {
  const { app, asked } = await appOn(t)
  const wire = { champion: 2, challenger: 1, difference: -1, interval: { low: -2, high: -0.5 } }
  t.same(await send(app, '/experiments'), {
    status: 200,
    body: {
      window: '28d',
      from: FROM.toISOString(),
      champion: { name, version },
      challenger: { name, version: 'next' },
      traffic: { challenger_share: 0, shadow: false, since: null },
      basis: 'between',
      matured: { pairs: FOUND.pairs, champion: FOUND.champion, challenger: FOUND.challenger },
      sampled: true,
      failures: { asked: 500, failed: 3 },
      metrics: {
        mae: wire,
        normalised_gini: wire,
        bias_ratio: { ...wire, challenger: null, difference: null, interval: null },
        bias_distance: { ...wire, challenger: null, difference: null, interval: null },
      },
      sample_ratio: {
        champion: 750,
        challenger: 250,
        both: 1,
        expected_challenger_share: 0.25,
        p_value: 1,
        mismatch: false,
        since: '2025-12-20T00:00:10.000Z',
        until: null,
      },
      verdict: 'better',
      reason: 'because',
    },
  })
  t.same(asked, [{ champion: version, challenger: 'next', days: 28, now: NOW }])
})

t.test('models that are named, of so many days', async (t) => {
  const { app, asked } = await appOn(t)
  const { body } = await send(app, '/experiments?window=90d&champion=old&challenger=' + version)
  t.match(body, { window: '90d', champion: { name: null, version: 'old' }, challenger: { name, version } })
  t.same(asked, [{ champion: 'old', challenger: version, days: 90, now: NOW }])
})

t.test('the split as it was set at run time', async (t) => {
  const { app } = await appOn(t)
  const payload = { champion: 80, challenger: 20, shadow: 'challenger' }
  await send(app, { method: 'PUT', url: '/admin/rollout', payload })
  t.same((await send(app, '/experiments')).body.traffic, {
    challenger_share: 0.2,
    shadow: true,
    since: NOW.toISOString(),
  })
})

t.test('nothing to compare', async (t) => {
  const found: Comparison = {
    ...{ ...FOUND, basis: null, differences: null, sampleRatio: null },
    verdict: 'not yet known',
  }
  const { app } = await appOn(t, {}, { ...ROWS, split: null, sampled: false }, found)
  t.match(await send(app, '/experiments'), {
    status: 200,
    body: { basis: null, metrics: null, sample_ratio: null, sampled: false, verdict: 'not yet known' },
  })
})

t.test('no challenger: the log is not asked', async (t) => {
  const { app, asked } = await appOn(t, { rollout: rolloutOf(bundle) })
  t.match(await send(app, '/experiments'), {
    status: 200,
    body: {
      from: FROM.toISOString(),
      champion: { name, version },
      challenger: null,
      basis: null,
      metrics: null,
      verdict: 'not yet known',
      reason: 'no challenger is in service, and none is named',
    },
  })
  t.same(asked, [])
  t.match((await send(app, '/experiments?challenger=next')).body, {
    challenger: { name: null },
    basis: 'between',
  })
})

t.test('no model at all', async (t) => {
  const { app } = await appOn(t, { rollout: { current: () => null } })
  t.match(await send(app, '/experiments'), { status: 503, body: { code: 'MODEL_UNAVAILABLE' } })
  t.match(await send(app, '/experiments?champion=a&challenger=b'), { status: 200 })
})

t.test('while the log is away', async (t) => {
  const { app } = await appOn(t, { predictionLog: logWith({ experiment: beAway }) })
  t.same(await send(app, '/experiments'), AWAY)
  t.same(await send(app, '/experiments'), AWAY, 'a failure is not kept')
  const off = await appOn(t, { predictionLog: logWith({}) })
  t.match(await send(off.app, '/experiments'), { status: 503, body: { code: 'PREDICTION_LOG_OFF' } })
})

t.test('a comparison that fails shows nothing of itself', async (t) => {
  const { app } = await appOn(t, {
    compare: async () => {
      throw Object.assign(new Error('secret'), { code: 'COMPARISON_FAILED' })
    },
  })
  t.match(await send(app, '/experiments'), { status: 500, body: { code: 'INTERNAL' } })
})

t.test('one at a time, and the same question once', async (t) => {
  const first = heldUp()
  let [under, most] = [0, 0]
  const { app, asked } = await appOn(t, {
    compare: async () => {
      most = Math.max(most, ++under)
      await first.hold()
      under--
      return FOUND
    },
  })
  const ask = (window: string) => send(app, `/experiments?window=${window}`)
  const answers = [ask('7d'), ask('7d'), ask('8d'), ask('7d')]
  await first.called
  await app.inject('/health/live')
  t.same(
    asked.map(({ days }) => days),
    [7],
    'the others wait',
  )
  first.release()
  for (const answer of answers) t.equal((await answer).status, 200)
  t.same(
    asked.map(({ days }) => days),
    [7, 8],
  )
  t.equal(most, 1)
  await ask('7d')
  t.equal(asked.length, 3, 'a question that comes later is asked anew')
})

t.test('a wrong question is refused with what was expected', async (t) => {
  const { app, asked } = await appOn(t)
  const wrong: [string, string][] = [
    ['window=7', 'window: expected days as 1d to 999d, got string "7"'],
    ['champion=', 'champion: expected 1 or more characters, got 0'],
    ['challenger=' + 'x'.repeat(257), 'challenger: expected at most 256 characters, got 257'],
    ['by=model', 'by: unknown field; expected only window, champion, challenger'],
  ]
  for (const [query, message] of wrong)
    t.same(await send(app, `/experiments?${query}`), {
      status: 400,
      body: { statusCode: 400, code: 'FST_ERR_VALIDATION', error: 'Bad Request', message },
    })
  t.same(asked, [])
})
