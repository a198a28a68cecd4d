/**
 * One prediction as the log keeps it. Texts must be storable by PostgreSQL: no NUL and no lone surrogates; the service
 * refuses those at its door.
 */
import type { InputSchema, Row } from '../inputs/index.ts'

export interface PredictionRecord {
  /** UUIDv7 of `time`: the log finds a prediction's day by its id. */
  readonly predictionId: string
  readonly time: Date
  readonly userId: string | null
  /** Of the model that answered. */
  readonly inputs: InputSchema
  /** The values of these inputs. */
  readonly row: Row
  /** As it was answered. */
  readonly predictedRevenue: number
  readonly rawScore: number
  readonly inferenceTimeUs: number
  readonly modelName: string
  readonly modelVersion: string
  readonly variant: string
}

/** What the challenger would have answered where the champion did. */
export interface ShadowRecord {
  /** Of the prediction that was answered. */
  readonly predictionId: string
  readonly time: Date
  readonly userId: string | null
  /** NaN: the challenger had no finite answer; the log has its version, and null for the revenue. */
  readonly revenue: number
  readonly rawScore: number
  readonly inferenceTimeUs: number
  readonly modelName: string
  readonly modelVersion: string
}

/** The variant by which a line of the spool is told to be no answer. */
export const SHADOW = 'shadow'
