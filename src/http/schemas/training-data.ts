/**
 * What `/training-data` and `/training-data/days` take and answer.
 */
import { Type } from 'typebox'
import { CSV, NDJSON } from '../streams/index.ts'
import { TIME } from './outcomes.ts'

const PERIOD = {
  since: Type.Optional(
    Type.String({ ...TIME, description: 'Installs from this time on; left out: from the first one.' }),
  ),
  until: Type.Optional(
    Type.String({
      ...TIME,
      description: 'Installs before this time; left out: all whose horizon has passed.',
    }),
  ),
  schema_id: Type.Optional(
    Type.String({
      pattern: '^[0-9a-f]{16}$',
      'x-expected': 'the id of an input schema, 16 hexadecimal digits',
      description: 'Installs with these inputs; left out: with those of the champion.',
      examples: ['5845e46e511e4d2d'],
    }),
  ),
}

export const TrainingDaysQuery = Type.Object(PERIOD, { additionalProperties: false })

export const TRAINING_FORMATS = ['ndjson', 'csv'] as const

export const TrainingDataQuery = Type.Object(
  {
    ...PERIOD,
    format: Type.Optional(
      Type.Unsafe<(typeof TRAINING_FORMATS)[number]>({
        enum: [...TRAINING_FORMATS],
        description: 'JSON lines, if it is left out.',
      }),
    ),
  },
  { additionalProperties: false },
)

const Count = (description: string) => Type.Integer({ description })

export const TrainingDaysAnswer = Type.Object({
  schema_id: Type.String(),
  inputs: Type.Unknown({ description: 'The input schema, as `inputs.json` of a bundle has it.' }),
  horizon_days: Type.Number({ description: 'Days after the install whose revenue is predicted.' }),
  clock: Type.String({ format: 'date-time', description: 'Of the database: what is pending goes by it.' }),
  days: Type.Array(
    Type.Object({
      day: Type.String({ format: 'date', description: 'UTC, of the first prediction.' }),
      installs: Count('Users, each with their first prediction.'),
      pending: Count('Installs whose horizon has not passed.'),
      reported: Count('Installs with revenue that was observed when the horizon had passed.'),
      no_outcome: Count('Installs without an outcome that are zeros, since the day is complete.'),
      left_out: Count(
        'Installs that are in no dataset: without an outcome on a day that is not complete, or with revenue that was only observed before the horizon had passed.',
      ),
      complete: Type.Boolean({
        description:
          'Whether the share of installs with an outcome is at least half of that of the period’s middle day.',
      }),
      predicted_revenue: Type.Number({ description: 'Sum of the predictions of the reported installs.' }),
      revenue: Type.Number({ description: 'Sum of their revenue.' }),
    }),
  ),
  other_schemas: Type.Array(Type.Object({ schema_id: Type.String(), installs: Count('Of the period.') }), {
    description: 'Installs whose models have other inputs.',
  }),
})

export const TrainingDataAnswer = {
  description: 'The dataset, by the time of the installs.',
  headers: { 'x-day7-schema-id': { type: 'string', description: 'The id of the input schema.' } },
  content: {
    [NDJSON]: {
      schema: Type.Unsafe<unknown>({
        description: 'One such object a line, with the fields of the schema.',
        type: 'object',
      }),
    },
    [CSV]: { schema: Type.Unsafe<unknown>({ description: 'RFC 4180, with a header.', type: 'string' }) },
  },
}
