/**
 * `/metrics`: what Prometheus is told of the prediction log, in a text that Prometheus reads.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { withoutAccess } from '../../src/access/index.ts'
import { loadBundle } from '../../src/bundle/index.ts'
import { accessMetrics, answerMetrics, createMetrics, limitMetrics } from '../../src/monitor/index.ts'
import type { PredictionLogStatus } from '../../src/prediction-log/index.ts'
import { NINE_FIELDS } from '../../src/inputs/index.ts'
import { EXAMPLE, EXAMPLE_ROW } from '../example.ts'
import { missing } from '../programs.ts'
import { appWith, bundleLike, logIn, modelsIn, NOW, rolloutOf } from './app.ts'

const bundle = await loadBundle('artifacts/champion')

const STATUS: PredictionLogStatus = {
  state: 'backing-off',
  spooled: 1000,
  shipped: 900,
  dropped: 7,
  quarantined: 3,
  erased: 4,
  breaker: 'open',
  failures: 4,
  shipments: { count: 9, seconds: 0.5 },
  lastError: 'ECONNREFUSED',
  clockOffsetMs: -1500,
  spool: {
    bytes: 81_200,
    segments: 2,
    oldestMs: NOW.getTime() - 1_500,
    error: null,
    stranded: { segments: 3, bytes: 100, error: 'EACCES' },
  },
}

/** The app whose log says what `status` holds at that time. */
async function appWatching(status: Partial<PredictionLogStatus>) {
  const metrics = createMetrics({
    log: { status: () => logIn(status).status() },
    rollout: rolloutOf(bundle, bundleLike(bundle, 'new')),
    models: modelsIn({ state: 'refused', reason: 'a hash', refusals: 2 }),
    shadow: { counts: () => ({ scored: 5, failed: 2, skipped: 0 }), unasked: () => 3 },
    now: () => NOW,
    clock: () => 0,
    random: () => 0.5,
    driftWindowMs: 3_600_000,
    more: [
      ...accessMetrics(withoutAccess()),
      ...limitMetrics(
        { counts: () => ({ limited: { key: 4, address: 1 }, shed: 9 }) },
        { sharedState: () => 'away' },
      ),
      ...answerMetrics({ counts: () => ({ replays: 4, reused: 1, unguarded: 0 }) }),
    ],
  })
  const { app } = await appWith({ metrics })
  const scrape = () => app.inject('/metrics')
  /** The lines of our own metrics. */
  const samples = async (prefix = 'day7_log') =>
    (await scrape()).body.split('\n').filter((line) => line.startsWith(prefix))
  return { app, metrics, scrape, samples }
}

t.test('the prediction log', async (t) => {
  const { app, samples } = await appWatching(STATUS)
  t.same(await samples(), [
    'day7_log_state{state="connecting"} 0',
    'day7_log_state{state="shipping"} 0',
    'day7_log_state{state="backing-off"} 1',
    'day7_log_state{state="draining"} 0',
    'day7_log_state{state="closed"} 0',
    'day7_log_state{state="off"} 0',
    'day7_log_spool_bytes 81200',
    'day7_log_spool_segments 2',
    'day7_log_oldest_record_age_seconds 1.5',
    'day7_log_stranded_segments 3',
    'day7_log_spooled_total 1000',
    'day7_log_shipped_total 900',
    'day7_log_dropped_total 7',
    'day7_log_quarantined_total 3',
    'day7_log_erased_total 4',
    'day7_log_clock_offset_seconds 1.5',
  ])
  await app.close()
})

t.test('what brings models into service', async (t) => {
  const { app, samples } = await appWatching(STATUS)
  t.same(await samples('day7_rollout'), [
    'day7_rollout_fallbacks_total 0',
    'day7_rollout_state{variant="champion",state="looking"} 0',
    'day7_rollout_state{variant="champion",state="following"} 0',
    'day7_rollout_state{variant="champion",state="fetching"} 0',
    'day7_rollout_state{variant="champion",state="refused"} 1',
    'day7_rollout_state{variant="champion",state="unreachable"} 0',
    'day7_rollout_state{variant="champion",state="stopped"} 0',
    'day7_rollout_model_missing{variant="champion"} 1',
    'day7_rollout_refusals_total{variant="champion"} 2',
    'day7_rollout_challenger_share 0',
  ])
  await app.close()
})

t.test('models in service, and the shadow', async (t) => {
  const { app, samples } = await appWatching(STATUS)
  const { name, version } = bundle.manifest
  t.same(await samples('day7_model'), [
    `day7_model_info{variant="champion",model="${name}",version="${version}"} 1`,
    `day7_model_info{variant="challenger",model="${name}",version="new"} 1`,
    `day7_model_serving_since_seconds{variant="champion",model="${name}",version="${version}"} ${NOW.getTime() / 1000}`,
    `day7_model_serving_since_seconds{variant="challenger",model="${name}",version="new"} ${NOW.getTime() / 1000}`,
  ])
  t.same(await samples('day7_shadow'), [
    'day7_shadow_predictions_total{result="scored"} 5',
    'day7_shadow_predictions_total{result="failed"} 2',
    'day7_shadow_predictions_total{result="skipped"} 0',
  ])
  await app.close()
})

t.test('figures are those of the time of asking', async (t) => {
  const status = { ...STATUS }
  const { app, samples } = await appWatching(status)
  await samples()
  Object.assign(status, { state: 'shipping', shipped: 1000, spooled: 1001 })
  const now = await samples()
  for (const line of [
    'day7_log_state{state="backing-off"} 0',
    'day7_log_state{state="shipping"} 1',
    'day7_log_shipped_total 1000',
    'day7_log_spooled_total 1001',
    'day7_log_dropped_total 7',
  ])
    t.ok(now.includes(line), line)
  await app.close()
})

t.test('an empty spool is of age 0, and so is a record from a clock that was ahead', async (t) => {
  for (const oldestMs of [null, NOW.getTime() + 60_000]) {
    const { app, samples } = await appWatching({ spool: { ...STATUS.spool, oldestMs } })
    t.ok((await samples()).includes('day7_log_oldest_record_age_seconds 0'))
    await app.close()
  }
})

t.test('requests that were refused', async (t) => {
  const { app, samples } = await appWatching(STATUS)
  t.same(await samples('day7_request'), [
    'day7_requests_limited_total{by="key"} 4',
    'day7_requests_limited_total{by="address"} 1',
    'day7_requests_shed_total 9',
    'day7_request_counts_state{state="off"} 0',
    'day7_request_counts_state{state="connecting"} 0',
    'day7_request_counts_state{state="shared"} 0',
    'day7_request_counts_state{state="away"} 1',
  ])
  await app.close()
})

t.test('a state is one of those that are listed', async (t) => {
  for (const state of ['connecting', 'shipping', 'backing-off', 'draining', 'closed', 'off'] as const) {
    const { app, samples } = await appWatching({ state })
    const states = (await samples()).filter((line) => line.startsWith('day7_log_state'))
    t.equal(states.length, 6)
    t.same(
      states.filter((line) => line.endsWith(' 1')),
      [`day7_log_state{state="${state}"} 1`],
    )
    await app.close()
  }
})

t.test('the text is Prometheus’s, and has the process too', async (t) => {
  const { app, scrape } = await appWatching(STATUS)
  const response = await scrape()
  t.equal(response.statusCode, 200)
  t.equal(response.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  t.match(response.body, /^process_cpu_seconds_total \d/m)
  t.match(response.body, /^nodejs_eventloop_lag_seconds \d/m)
  const types = [...response.body.matchAll(/^# TYPE (\w+) (\w+)$/gm)]
  t.ok(types.length > 20)
  for (const [, name, type] of types) {
    t.match(response.body, new RegExp(`^# HELP ${name} \\S`, 'm'))
    t.equal(name!.endsWith('_total'), type === 'counter', `${name} is a ${type}`)
  }
  await app.close()
})

t.test('values that the model does not know, by field and reason', async (t) => {
  const { app, samples } = await appWatching(STATUS)
  const known = { ...EXAMPLE, country_region: 'belville', event_1: 1 }
  const send = (install: object) => app.inject({ method: 'POST', url: '/predict', payload: install })
  for (const country of ['us', 'us ', 'us ', 'N/A', null])
    t.equal((await send({ ...known, country })).statusCode, 200)
  const told = (await samples('day7_unknown')).filter((line) => !line.endsWith(' 0'))
  t.same(told, [
    'day7_unknown_values_total{field="country",reason="blanks"} 2',
    'day7_unknown_values_total{field="country",reason="marker"} 1',
  ])
  const { unknown_values: unknown } = (await app.inject('/model/drift')).json()
  t.same(unknown, [
    { field: 'country', reason: 'blanks', count: 2, share: 0.4 },
    { field: 'country', reason: 'marker', count: 1, share: 0.2 },
  ])
  await app.close()
})

t.test('docs/observability.md lists what there is', async (t) => {
  const { app, metrics, scrape } = await appWatching(STATUS)
  const record = {
    inputs: NINE_FIELDS,
    row: EXAMPLE_ROW,
    predictedRevenue: 1,
    inferenceTimeUs: 5,
    variant: 'champion',
  }
  const answer = { bundle, prediction: { revenue: 1 } }
  metrics.predictions.note(Array.from({ length: 300 }, () => ({ answer, record })))
  await app.inject('/nowhere')
  const { body } = await scrape()
  const rows = [...body.matchAll(/^# HELP ((?:day7|http)_\w+) (.*)\n# TYPE \w+ (\w+)$/gm)].map(
    ([, name, help, type]) => {
      const samples = body.matchAll(new RegExp(`^${name}(?:_bucket|_sum|_count)?\\{(.*)\\}`, 'gm'))
      const labels = [...samples].flatMap(([, text]) =>
        [...text!.matchAll(/(\w+)="/g)].map(([, label]) => label!),
      )
      const shown = [...new Set(labels)].filter((label) => label !== 'le').map((label) => `\`${label}\``)
      return ['', `\`${name}\``, type, shown.join(', ') || '–', help, '']
    },
  )
  const listed = readFileSync('docs/observability.md', 'utf8')
    .split('\n')
    .filter((line) => /^\| `(day7|http)_\w+` +\| (counter|gauge|histogram|summary) /.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  t.same(listed.sort(), rows.sort(), 'one row for each')
  await app.close()
})

t.test('promtool finds no fault', { skip: missing('promtool') }, async (t) => {
  const { app, scrape } = await appWatching(STATUS)
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: (await scrape()).body,
    encoding: 'utf8',
  })
  t.same({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' })
  await app.close()
})
