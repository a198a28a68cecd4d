/**
 * What prom-client tells of the process: CPU, memory, event loop, garbage collection.
 */
import { collectDefaultMetrics, type Registry } from 'prom-client'

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
