/**
 * What Prometheus asks for: the process, the models in service, and the prediction log. Figures are read when they are asked for; a request pays nothing.
 */
import { Registry } from 'prom-client'
import { logMetrics, type WatchedLog } from './log-metrics.ts'
import { forRegistry, type Metric } from './metric.ts'
import { modelMetrics, type WatchedModels, type WatchedRollout, type WatchedShadow } from './model-metrics.ts'
import { watchProcess } from './process-metrics.ts'

export interface Watched {
  readonly log: WatchedLog
  readonly rollout: WatchedRollout
  readonly models: WatchedModels
  readonly shadow: WatchedShadow
  readonly now: () => Date
  /** Of what else the service is made of. */
  readonly more?: readonly Metric[]
}

export interface Metrics {
  readonly contentType: string
  /** In Prometheus's text format. */
  render(): Promise<string>
}

export function createMetrics({ log, rollout, models, shadow, now, more = [] }: Watched): Metrics {
  const registry = new Registry()
  watchProcess(registry)
  for (const metric of [...logMetrics(log, now), ...modelMetrics(rollout, models, shadow), ...more])
    registry.registerMetric(forRegistry(metric))
  return { contentType: registry.contentType, render: () => registry.metrics() }
}
