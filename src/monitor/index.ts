export { counter, gauge, type Metric } from './metric.ts'
export { createMetrics, type Metrics } from './metrics.ts'
