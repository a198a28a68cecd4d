/**
 * What Prometheus asks for: requests, predictions, the models in service, the prediction log and the process. What is counted on the way of
 * a request are plain numbers; everything else is read when somebody asks.
 */
import { Registry } from 'prom-client'
import { logMetrics, type WatchedLog } from './log-metrics.ts'
import type { Figures } from './merging.ts'
import { forRegistry, type Metric } from './metric.ts'
import { modelMetrics, type WatchedModels, type WatchedRollout, type WatchedShadow } from './model-metrics.ts'
import { PredictionFigures, type WatchedBundle } from './predictions.ts'
import { eventLoopMetric, watchProcess } from './process-metrics.ts'
import { Pulse } from './pulse.ts'
import { RequestFigures } from './requests.ts'

export interface Watched {
  readonly log: WatchedLog
  readonly rollout: WatchedRollout<WatchedBundle>
  readonly models: WatchedModels
  readonly shadow: WatchedShadow
  readonly now: () => Date
  /** In milliseconds; never goes back. */
  readonly clock: () => number
  readonly random: () => number
  /** Predictions of this time are compared with the training data. */
  readonly driftWindowMs: number
  /** Of what else the service is made of. */
  readonly more?: readonly Metric[]
}

export interface Metrics {
  readonly requests: Pick<RequestFigures, 'begin' | 'end' | 'error'>
  readonly predictions: Pick<PredictionFigures, 'note' | 'driftOf'>
  readonly driftWindowMs: number
  /** For who looks at it live. */
  readonly pulse: Pulse
  readonly contentType: string
  /** In Prometheus's text format. */
  render(): Promise<string>
  /** To be merged with those of other processes. */
  figures(): Promise<Figures>
}

export function createMetrics(watched: Watched): Metrics {
  const { log, rollout, models, shadow, now, more = [] } = watched
  const requests = new RequestFigures()
  const predictions = new PredictionFigures({
    ...watched,
    inService: () =>
      Object.entries(rollout.current()?.slots ?? {}).flatMap(([variant, slot]) =>
        slot ? { variant, bundle: slot.bundle } : [],
      ),
  })
  const pulse = new Pulse()
  const registry = new Registry()
  watchProcess(registry)
  for (const metric of [
    eventLoopMetric(),
    ...requests.metrics(),
    ...modelMetrics(rollout, models, shadow),
    ...logMetrics(log, now),
    ...more,
  ])
    registry.registerMetric(forRegistry(metric))
  /** Models bring facets of their own. */
  const withFacets = (): Registry => {
    for (const metric of predictions.metrics())
      if (!registry.getSingleMetric(metric.name)) registry.registerMetric(forRegistry(metric))
    return registry
  }
  return {
    requests,
    predictions,
    driftWindowMs: watched.driftWindowMs,
    pulse,
    contentType: registry.contentType,
    render: () => withFacets().metrics(),
    figures: () => withFacets().getMetricsAsJSON(),
  }
}
