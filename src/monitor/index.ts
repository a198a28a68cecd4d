export { createMetrics, type Metrics } from './metrics.ts'
export { Pulse, quantileMs } from './pulse.ts'
