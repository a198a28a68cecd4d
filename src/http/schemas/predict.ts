/**
 * What `/predict` and `/batch_predict` take and answer.
 */
import { type Static, Type } from 'typebox'
import { ExplanationRef } from './explanation.ts'
import { InstallRef } from './install.ts'

export const PredictionId = Type.String({
  format: 'uuid',
  description: 'UUIDv7; the prediction’s key in the log.',
})
export const Revenue = Type.Number({
  minimum: 0,
  description: 'Revenue within the horizon, in the unit of the training data, rounded to 6 decimals.',
})
export const Interval = Type.Object(
  { p10: Type.Number({ minimum: 0 }), p90: Type.Number({ minimum: 0 }) },
  {
    description:
      'Where the model has one: of installs like this, about a tenth bring less than `p10` and a tenth more than `p90`. In the unit of the revenue, rounded to 6 decimals.',
  },
)
const InferenceTime = Type.Number({ description: 'Time for features and trees, in milliseconds.' })
const Timestamp = Type.String({ format: 'date-time', description: 'ISO 8601, UTC.' })

export const ServedModel = Type.Object(
  {
    name: Type.String(),
    version: Type.String(),
    variant: Type.String({ description: '`champion` or `challenger`.' }),
  },
  { description: 'The model that answered.' },
)

export const PredictAnswer = Type.Object({
  predicted_revenue: Revenue,
  interval: Type.Optional(Interval),
  inference_time_ms: InferenceTime,
  timestamp: Timestamp,
  prediction_id: PredictionId,
  model: ServedModel,
  explanation: Type.Optional(ExplanationRef),
})

/**
 * A user that is not a valid install is answered with an error of its own, so the list takes anything; the first choice is
 * what a reader of the document should send.
 */
export const batchBody = (maxUsers: number) =>
  Type.Object(
    {
      users: Type.Array(Type.Unsafe<unknown>({ anyOf: [InstallRef, {}] }), {
        minItems: 1,
        maxItems: maxUsers,
      }),
    },
    { additionalProperties: false },
  )

export type BatchBody = Static<ReturnType<typeof batchBody>>

export const BatchAnswer = Type.Object({
  predictions: Type.Array(
    Type.Object({
      input: Type.Unknown({
        description: 'The user as it was sent; null if it is nested too deeply to be sent back.',
      }),
      predicted_revenue: Type.Optional(Revenue),
      interval: Type.Optional(Interval),
      prediction_id: Type.Optional(PredictionId),
      explanation: Type.Optional(ExplanationRef),
      model: Type.Optional({
        ...ServedModel,
        description: 'Where another model than the one below has answered this user.',
      }),
      error: Type.Optional(
        Type.String({ description: 'Why this user has no prediction; the others are answered.' }),
      ),
    }),
    { description: 'In the order of the request. Each has either a prediction or an error.' },
  ),
  total_users: Type.Integer(),
  inference_time_ms: InferenceTime,
  timestamp: Timestamp,
  model: ServedModel,
})

export type BatchRow = Static<typeof BatchAnswer>['predictions'][number]
