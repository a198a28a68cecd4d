export { addCounters, type Figures, renderFigures, workerFigures } from './merging.ts'
export { createMetrics, type Metrics } from './metrics.ts'
