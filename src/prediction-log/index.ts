export type { DatabaseLocation } from './database.ts'
export {
  LogUnavailableError,
  openPredictionLog,
  type PredictionLog,
  type PredictionLogStatus,
  withoutPredictionLog,
} from './prediction-log.ts'
export type { PredictionRecord } from './record.ts'
export type { Statistics } from './statistics.ts'
export type { WriterLogger } from './writer.ts'
