/**
 * What `/outcomes`, `/accuracy` and `/users` take and answer.
 */
import { type Static, Type } from 'typebox'
import { STORABLE } from './install.ts'

export const TIME = {
  format: 'date-time',
  'x-expected': 'an ISO 8601 time with its zone, such as 2026-01-31T08:00:00Z',
} as const

export const OutcomeSchema = Type.Object(
  {
    prediction_id: Type.Optional(
      Type.String({
        pattern: '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$',
        'x-expected': 'a UUIDv7, the prediction_id of an answer',
        description: 'The id that a prediction was answered with.',
        examples: ['01a20acc-c97a-727d-bccf-1f2d46d5f452'],
      }),
    ),
    user_id: Type.Optional(
      Type.String({
        minLength: 1,
        ...STORABLE,
        description: 'Instead: the user, for all of his predictions.',
      }),
    ),
    revenue: Type.Number({
      minimum: 0,
      description:
        'What came within the horizon, counted from the install, in the unit of the training data.',
      examples: [4.99],
    }),
    observed_at: Type.Optional(
      Type.String({
        ...TIME,
        description:
          'When the revenue was counted; left out: now. Accuracy takes what was counted when the horizon of the prediction had passed, or later.',
      }),
    ),
  },
  { $id: 'Outcome', additionalProperties: false, description: 'The revenue that really came.' },
)

export type OutcomeBody = Static<typeof OutcomeSchema>
const OutcomeRef = Type.Unsafe<OutcomeBody>({ $ref: 'Outcome#' })

/** As with batches of installs, an outcome that is not valid is answered with an error of its own. */
export const outcomesBody = (maxOutcomes: number) =>
  Type.Unsafe<{ outcomes: unknown[] } | OutcomeBody>({
    type: 'object',
    description: 'One outcome, or `{"outcomes": [...]}`.',
    examples: [
      { user_id: 'player 1', revenue: 4.99 },
      { outcomes: [{ user_id: 'player 1', revenue: 4.99 }] },
    ],
    if: { required: ['outcomes'] },
    // oxlint-disable-next-line unicorn/no-thenable
    then: Type.Object(
      {
        outcomes: Type.Array(Type.Unsafe<unknown>({ anyOf: [OutcomeRef, {}] }), {
          minItems: 1,
          maxItems: maxOutcomes,
        }),
      },
      { additionalProperties: false },
    ),
    else: OutcomeRef,
  })

export const OutcomesAnswer = Type.Object({
  accepted: Type.Integer({
    description: 'Outcomes that are kept. One whose prediction is not known yet waits for it.',
  }),
  errors: Type.Array(
    Type.Object({
      index: Type.Integer({ description: 'Place in the request, from 0.' }),
      error: Type.String(),
    }),
    { description: 'Those that are not kept, and why.' },
  ),
})

export const DEFAULT_WINDOW = '28d'

export const Window = Type.Optional(
  Type.String({
    pattern: '^[1-9][0-9]{0,2}d$',
    'x-expected': 'days as 1d to 999d',
    description: `Predictions of the last so many days; left out: \`${DEFAULT_WINDOW}\`.`,
    examples: [DEFAULT_WINDOW],
  }),
)

export const AccuracyQuerystring = Type.Object(
  {
    window: Window,
    by: Type.Optional(
      Type.String({
        description:
          'Also for each `model`, each `variant`, or each value of a facet of the models in service.',
      }),
    ),
  },
  { additionalProperties: false },
)

export const NumberOrNull = (description: string) => Type.Union([Type.Number(), Type.Null()], { description })

const FIGURES = {
  matured: Type.Integer({ description: 'Predictions whose revenue within the horizon is known.' }),
  mae: NumberOrNull('Mean absolute error, in the unit of the revenue.'),
  rmse: NumberOrNull('Root of the mean squared error, in the unit of the revenue.'),
  bias_ratio: NumberOrNull('Sum of predictions over sum of revenue: 1.05 bids 5 % too high.'),
  normalised_gini: NumberOrNull('Is the order right? 1 is perfect, 0 is chance.'),
}

export const AccuracyAnswer = Type.Object({
  window: Type.String(),
  from: Type.String({ format: 'date-time' }),
  by: Type.Union([Type.String(), Type.Null()]),
  overall: Type.Object(FIGURES),
  groups: Type.Union(
    [
      Type.Array(
        Type.Object({
          value: Type.String({
            description: 'Of a model `name/version`; texts in lower case, null as `unknown`.',
          }),
          ...FIGURES,
        }),
      ),
      Type.Null(),
    ],
    { description: 'Those with the most matured predictions first; null without `by`.' },
  ),
})

export const ErasureAnswer = Type.Object({
  user_id: Type.String(),
  predictions: Type.Integer({ description: 'Predictions that were erased.' }),
  outcomes: Type.Integer({ description: 'Outcomes that were erased.' }),
})

export const UserParams = Type.Object({
  user_id: Type.String({ minLength: 1, ...STORABLE }),
})

/** All of them are erased in one transaction. */
const MOST_ERASED = 1_000

export const ErasureBody = Type.Object(
  {
    user_ids: Type.Array(Type.String({ minLength: 1, ...STORABLE }), {
      minItems: 1,
      maxItems: MOST_ERASED,
      description: 'Ids as they were sent with the installs.',
      examples: [['player 1', 'player 2']],
    }),
  },
  { additionalProperties: false },
)

export const ErasuresAnswer = Type.Object({
  users: Type.Array(ErasureAnswer, { description: 'What was erased of each, in the order of the request.' }),
})
