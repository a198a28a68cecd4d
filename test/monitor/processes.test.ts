/**
 * The figures of several processes as prom-client adds them up: counts are summed, states stay 0 or 1, ages are the greatest.
 */
import { AggregatorRegistry, Registry } from 'prom-client'
import t from 'tap'
import { Buckets } from '../../src/monitor/buckets.ts'
import { logMetrics } from '../../src/monitor/log-metrics.ts'
import { forRegistry, gauge, histogram, type Metric, summary } from '../../src/monitor/metric.ts'

const NOW = new Date('2026-01-02T03:04:05Z')

async function together(...processes: readonly (readonly Metric[])[]): Promise<string[]> {
  const figures = processes.map((metrics) => {
    const registry = new Registry()
    for (const metric of metrics) registry.registerMetric(forRegistry(metric))
    return registry.getMetricsAsJSON()
  })
  const text = await AggregatorRegistry.aggregate(await Promise.all(figures)).metrics()
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

const logIn = (state: string, spooled: number, ageS: number) =>
  logMetrics(
    {
      status: () => ({
        state,
        spooled,
        shipped: 0,
        dropped: 0,
        quarantined: 0,
        erased: 0,
        breaker: 'closed',
        failures: 0,
        clockOffsetMs: null,
        shipments: { count: 2, seconds: 0.5 },
        spool: {
          bytes: 100,
          segments: 1,
          oldestMs: NOW.getTime() - ageS * 1000,
          stranded: { segments: 1, bytes: 50 },
        },
      }),
    },
    () => NOW,
  )

t.test('the prediction log of two processes', async (t) => {
  const lines = await together(logIn('shipping', 10, 1), logIn('backing-off', 20, 60))
  for (const line of [
    'day7_log_state{state="shipping"} 1',
    'day7_log_state{state="backing-off"} 1',
    'day7_log_state{state="connecting"} 0',
    'day7_log_spool_bytes 200',
    'day7_log_spooled_total 30',
    'day7_log_oldest_record_age_seconds 60',
    'day7_database_breaker_state{state="closed"} 1',
    'day7_database_shipment_seconds_sum 1',
    'day7_database_shipment_seconds_count 4',
  ])
    t.ok(lines.includes(line), line)
})

t.test('histograms, summaries, averages', async (t) => {
  const figures = (value: number): Metric[] => {
    const buckets = new Buckets([1, 2])
    buckets.observe(value)
    return [
      histogram('h', 'x', () => [{ labels: { a: 'b' }, buckets }]),
      summary('s', 'x', () => [{ labels: { a: String(value) }, total: { sum: value, count: 1 } }]),
      gauge('g', 'x', 'average', () => value),
    ]
  }
  t.same(await together(figures(1), figures(3)), [
    'h_bucket{a="b",le="1"} 1',
    'h_bucket{a="b",le="2"} 1',
    'h_bucket{a="b",le="+Inf"} 2',
    'h_sum{a="b"} 4',
    'h_count{a="b"} 2',
    's_sum{a="1"} 1',
    's_count{a="1"} 1',
    's_sum{a="3"} 3',
    's_count{a="3"} 1',
    'g 2',
  ])
})
