/**
 * What `/spend` and `/cohorts` take and answer.
 */
import { Type } from 'typebox'
import { BUCKETS, type CohortBucket } from '../../prediction-log/index.ts'
import { CSV } from '../streams/index.ts'
import { STORABLE } from './install.ts'
import { NumberOrNull } from './outcomes.ts'

export const DAY = {
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$',
  'x-expected': 'a day from 1970 on, such as 2026-01-31',
} as const

const LARGEST_AMOUNT = 1e12
/** Of one request. */
const MOST_SPEND = 10_000
const MOST_FACETS = 8

export const SpendSchema = Type.Object(
  {
    date: Type.String({ ...DAY, description: 'UTC, of the installs that were paid for.' }),
    facets: Type.Optional(
      Type.Record(Type.String(), Type.String({ ...STORABLE, minLength: 1 }), {
        maxProperties: MOST_FACETS,
        description: 'Values by the names of facets of the models in service, in any case.',
        examples: [{ country: 'es', source: 'Non-Organic' }],
      }),
    ),
    amount: Type.Number({
      minimum: 0,
      maximum: LARGEST_AMOUNT,
      description: 'In the unit of the revenue.',
      examples: [120.5],
    }),
  },
  { $id: 'Spend', additionalProperties: false, description: 'What was spent on the installs of a day.' },
)

export const SpendBody = Type.Object(
  {
    unit: Type.Optional(
      Type.String({
        ...STORABLE,
        description: 'Of the amounts. Another one than that of the champion’s revenue is refused.',
      }),
    ),
    spend: Type.Array(Type.Unsafe<unknown>({ anyOf: [{ $ref: 'Spend#' }, {}] }), {
      minItems: 1,
      maxItems: MOST_SPEND,
    }),
  },
  {
    additionalProperties: false,
    examples: [{ spend: [{ date: '2026-01-01', facets: { country: 'es' }, amount: 120.5 }] }],
  },
)

export const SpendAnswer = Type.Object({
  accepted: Type.Integer({
    description: 'Kept. Of several amounts for a day and the same facets the last one counts.',
  }),
  errors: Type.Array(
    Type.Object({
      index: Type.Integer({ description: 'Place in the request, from 0.' }),
      error: Type.String(),
    }),
    { description: 'Those that are not kept, and why.' },
  ),
})

export const COHORT_FORMATS = ['json', 'csv'] as const

const Filter = Type.String({
  pattern: '^[^:]+:.+$',
  'x-expected': 'a facet and its value, as country:es',
})

export const CohortQuerystring = Type.Object(
  {
    from: Type.Optional(
      Type.String({ ...DAY, description: 'First day of the installs, UTC; left out: 27 days before `to`.' }),
    ),
    to: Type.Optional(Type.String({ ...DAY, description: 'Last day of the installs; left out: today.' })),
    bucket: Type.Optional(
      Type.Unsafe<CohortBucket>({
        enum: [...BUCKETS],
        description: 'Weeks begin on Monday; left out: `day`.',
      }),
    ),
    by: Type.Optional(
      Type.String({
        maxLength: 1_000,
        description: 'Names of facets of the models in service, between commas.',
        examples: ['country,source'],
      }),
    ),
    filter: Type.Optional(
      Type.Union([Filter, Type.Array(Filter, { maxItems: MOST_FACETS })], {
        description: 'Installs with this value of a facet, as `country:es`; may be repeated.',
      }),
    ),
    format: Type.Optional(Type.Unsafe<(typeof COHORT_FORMATS)[number]>({ enum: [...COHORT_FORMATS] })),
  },
  { additionalProperties: false },
)

const FIGURES = {
  installs: Type.Integer({ description: 'Users, each with their first prediction.' }),
  predicted_revenue: Type.Number({ description: 'Sum over the horizon.' }),
  predicted_per_install: NumberOrNull('Null without installs.'),
  reported: Type.Integer({ description: 'Installs with an outcome of any time.' }),
  actual_revenue: Type.Number({ description: 'Of those, so far.' }),
  matured: Type.Integer({
    description: 'Installs with an outcome that was observed when the horizon had passed.',
  }),
  matured_share: NumberOrNull('Of the installs.'),
  bias_ratio: NumberOrNull(
    'Of the matured installs: sum of predictions over sum of revenue. 1.05 bids 5 % too high.',
  ),
  spend: NumberOrNull('Null: none was reported.'),
  cost_per_install: NumberOrNull('Spend over installs.'),
  predicted_roas: NumberOrNull('Predicted revenue over spend.'),
  actual_roas: NumberOrNull('Revenue so far over spend: it grows until all have matured.'),
  is_small: Type.Boolean({
    description: 'Whether there are fewer than 100 installs: one player who spends much moves such a cohort.',
  }),
}

export const CohortsJson = Type.Object({
  from: Type.String({ format: 'date' }),
  to: Type.String({ format: 'date' }),
  bucket: Type.String(),
  by: Type.Array(Type.String()),
  unit: Type.Union([Type.String(), Type.Null()], {
    description: 'Of revenue and spend, as the champion has it.',
  }),
  total: Type.Object(FIGURES, { description: 'Of all cohorts. Its spend is that of the cohorts.' }),
  unattributed_spend: Type.Number({
    description: 'Spend of these days that names no value of a facet that was asked for.',
  }),
  cohorts: Type.Array(
    Type.Object({
      start: Type.String({ format: 'date', description: 'First day of the bucket.' }),
      facets: Type.Record(Type.String(), Type.String(), {
        description: 'Values in lower case; null as `unknown`.',
      }),
      ...FIGURES,
    }),
    { description: 'The latest bucket first, and of a bucket those with the most predicted revenue.' },
  ),
})

export const CohortsAnswer = {
  description: 'The cohorts.',
  content: {
    'application/json': { schema: CohortsJson },
    [CSV]: {
      schema: Type.Unsafe<unknown>({ description: 'A row for each cohort, with a header.', type: 'string' }),
    },
  },
}
