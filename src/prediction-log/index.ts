export { type KeyTable, openKeyTable } from './key-table.ts'
export type { LogLogger } from './logger.ts'
export { type LoggedFields, namesUnknownTo } from './logged-fields.ts'
export { withoutPredictionLog } from './no-log.ts'
export {
  isClockWrong,
  LogFullError,
  LogUnavailableError,
  openPredictionLog,
  type PredictionLog,
  type PredictionLogStatus,
} from './prediction-log.ts'
export type { PredictionRecord, ShadowRecord } from './record.ts'
export { type Accuracy, ACCURACY_GROUPS, type AccuracyFigures } from './tables/accuracy.ts'
export { BUCKETS, type Cohort, type CohortBucket, type CohortQuery, type Cohorts } from './tables/cohorts.ts'
export type { Erasure } from './tables/erasure.ts'
export type { ExperimentQuery, ExperimentRows } from './tables/experiments.ts'
export { makeMissingViews } from './tables/input-schemas.ts'
export type { ModelEvent, ToldEvent } from './tables/model-events.ts'
export type { Outcome } from './tables/outcomes.ts'
export type { FacetSegments, Recent, Segment } from './tables/recent.ts'
export {
  type Resolution,
  RESOLUTIONS,
  type Statistics,
  type StatisticsWindow,
  type Totals,
  WINDOWS,
} from './tables/statistics.ts'
export type { Spend } from './tables/spend.ts'
export {
  completeDays,
  TRAINING_PAGE_ROWS,
  type TrainingDay,
  type TrainingPeriod,
  type TrainingRow,
} from './tables/training-data.ts'
