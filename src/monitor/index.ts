export { counter, gauge, type Metric } from './metric.ts'
export { accessMetrics, type WatchedAccess } from './access.ts'
export { createMetrics, type Metrics } from './metrics.ts'
export { Pulse, quantileMs } from './pulse.ts'
