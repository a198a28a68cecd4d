/**
 * One prediction as the log keeps it. Texts must be storable by PostgreSQL: no NUL and no lone surrogates; the service
 * refuses those at its door.
 *
 * Of the inputs the log keeps those that LOG_FIELDS names, where the model takes them in that kind; fields beyond these are left out.
 */
import type { InputSchema, Kind, Row } from '../inputs/index.ts'

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

/** The input fields that the log has columns for, and the kind of each. */
export const LOGGED_KINDS = {
  country: 'text',
  country_region: 'text',
  source: 'text',
  platform: 'text',
  device_family: 'text',
  os_version: 'text',
  event_1: 'number',
  event_2: 'number',
  event_3: 'number',
} as const satisfies Readonly<Record<string, Kind>>

export type LogField = 'user_id' | keyof typeof LOGGED_KINDS

/** What can be left out of the log. */
export const LOG_FIELDS: readonly LogField[] = [
  'user_id',
  ...(Object.keys(LOGGED_KINDS) as (keyof typeof LOGGED_KINDS)[]),
]
