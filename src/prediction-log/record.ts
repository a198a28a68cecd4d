/**
 * One prediction as the log keeps it. Texts must be storable by PostgreSQL: no NUL and no lone surrogates; the service
 * refuses those at its door.
 */
export interface PredictionRecord {
  /** UUIDv7 of `time`: the log finds a prediction's day by its id. */
  readonly predictionId: string
  readonly time: Date
  readonly userId: string | null
  readonly install: {
    readonly country: string | null
    readonly country_region: string | null
    readonly source: string | null
    readonly platform: string | null
    readonly device_family: string | null
    readonly os_version: string | null
    readonly event_1: number | null
    readonly event_2: number | null
    readonly event_3: number | null
  }
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

/** The inputs, each of which can be left out of the log. */
export const LOG_FIELDS = [
  'user_id',
  'country',
  'country_region',
  'source',
  'platform',
  'device_family',
  'os_version',
  'event_1',
  'event_2',
  'event_3',
] as const

export type LogField = (typeof LOG_FIELDS)[number]
