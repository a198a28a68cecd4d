/**
 * What `/stats` takes and answers.
 */
import { Type } from 'typebox'
import { type Resolution, RESOLUTIONS, type StatisticsWindow, WINDOWS } from '../../prediction-log/index.ts'

export const StatsQuerystring = Type.Object(
  {
    window: Type.Optional(
      Type.Unsafe<StatisticsWindow>({
        type: 'string',
        enum: Object.keys(WINDOWS),
        description: 'The time up to now; left out: `all`. It starts at the start of a bucket.',
      }),
    ),
    bucket: Type.Optional(
      Type.Unsafe<Resolution>({
        type: 'string',
        enum: [...RESOLUTIONS],
        description: `Also one entry for each such bucket. ${Object.entries(WINDOWS)
          .map(([window, { resolutions }]) => `\`${window}\`: ${resolutions.join(', ')}`)
          .join('; ')}.`,
      }),
    ),
  },
  { additionalProperties: false },
)

const NumberOrNull = Type.Union([Type.Number(), Type.Null()])
const TimeOrNull = Type.Union([Type.String({ format: 'date-time' }), Type.Null()])

const TOTALS = {
  total_predictions: Type.Integer(),
  avg_predicted_revenue: NumberOrNull,
  min_predicted_revenue: NumberOrNull,
  max_predicted_revenue: NumberOrNull,
  avg_inference_time_ms: NumberOrNull,
  first_prediction: TimeOrNull,
  last_prediction: TimeOrNull,
}

export const Stats = Type.Object({
  window: Type.String(),
  from: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
    description: 'Start of the window, at the start of a bucket; null for all.',
  }),
  ...TOTALS,
  // Not Type.Record: its pattern for names knows no line breaks.
  platform_distribution: Type.Unsafe<Record<string, number>>({
    type: 'object',
    additionalProperties: { type: 'integer' },
    description: 'Predictions by the facet `platform`, in lower case; empty where no model has it.',
  }),
  top_countries: Type.Array(Type.Object({ country: Type.String(), count: Type.Integer() }), {
    description:
      'The ten values of the facet `country` with the most predictions, in lower case; empty where no model has it.',
  }),
  facets: Type.Array(
    Type.Object({
      facet: Type.String({ description: 'A field with the role `facet`.' }),
      values: Type.Array(Type.Object({ value: Type.String(), count: Type.Integer() }), {
        description: 'The ten with the most predictions, in lower case; null is `unknown`.',
      }),
    }),
    { description: 'Of the models in service.' },
  ),
  buckets: Type.Optional(
    Type.Array(Type.Object({ start: Type.String({ format: 'date-time' }), ...TOTALS }), {
      description: 'In order; those without a prediction are left out.',
    }),
  ),
})
