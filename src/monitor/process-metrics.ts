/**
 * The process: what prom-client tells of CPU, memory, event loop and garbage collection, and how busy the event loop is.
 */
import { collectDefaultMetrics, type Registry } from 'prom-client'
import { counter, type Metric } from './metric.ts'

/** Gauges of prom-client that are named as counters; `promtool` refuses that. Their namesakes without `_total` say more. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

export function watchProcess(registry: Registry): void {
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
}

/** Its rate is the share of the time that the event loop works: near 1 there is no room for more. */
export function eventLoopMetric(): Metric {
  return counter(
    'day7_event_loop_active_seconds_total',
    'Time in which the event loop did not wait for work.',
    () => performance.eventLoopUtilization().active / 1000,
  )
}
