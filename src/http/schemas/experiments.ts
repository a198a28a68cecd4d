/**
 * What `/experiments` takes and answers.
 */
import { Type } from 'typebox'
import { VERDICTS } from '../../experiments/index.ts'
import { STORABLE } from './install.ts'
import { NumberOrNull, Window } from './outcomes.ts'

const Version = (who: string) =>
  Type.Optional(
    Type.String({ minLength: 1, ...STORABLE, description: `Left out: the ${who} that is in service.` }),
  )

export const ExperimentsQuerystring = Type.Object(
  { window: Window, champion: Version('champion'), challenger: Version('challenger') },
  { additionalProperties: false },
)

const Time = (description: string) => Type.String({ format: 'date-time', description })

const Model = Type.Object({
  name: Type.Union([Type.String(), Type.Null()], { description: 'Null: it is not in service now.' }),
  version: Type.String(),
})

const Size = (description: string) =>
  Type.Object(
    {
      users: Type.Integer(),
      predictions: Type.Integer(),
      payers: Type.Integer({ description: 'Users with revenue.' }),
    },
    { description },
  )

const Difference = (description: string) =>
  Type.Object(
    {
      champion: NumberOrNull('Null: undefined.'),
      challenger: NumberOrNull('Null: undefined.'),
      difference: NumberOrNull('Challenger − champion.'),
      interval: Type.Union([Type.Object({ low: Type.Number(), high: Type.Number() }), Type.Null()], {
        description: 'In which the difference lies, with 95 % confidence; null: too few have matured.',
      }),
    },
    { description },
  )

export const ExperimentsAnswer = Type.Object({
  window: Type.String(),
  from: Time('Where the window starts.'),
  champion: Model,
  challenger: Type.Union([Model, Type.Null()], { description: 'Null: none is in service.' }),
  traffic: Type.Object(
    {
      challenger_share: Type.Number({ description: 'Of the users, from 0 to 1.' }),
      shadow: Type.Boolean({ description: 'Whether the challenger also scores what the champion answers.' }),
      since: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
    },
    { description: 'The split that is in force now.' },
  ),
  basis: Type.Union([Type.Literal('paired'), Type.Literal('between'), Type.Null()], {
    description:
      '`paired`: both models on the same predictions, by the shadow. `between`: each on the users of its arm. Null: there is nothing to compare.',
  }),
  matured: Type.Object({
    pairs: Size('Answered by the champion and scored by the challenger.'),
    champion: Size('Answered by the champion while the users were split as they last were.'),
    challenger: Size('Answered by the challenger in that time.'),
  }),
  sampled: Type.Boolean({
    description: 'There were more predictions than are compared; the users were taken by a hash.',
  }),
  failures: Type.Object(
    {
      asked: Type.Integer({
        description: 'Predictions that the challenger was asked for, in shadow or in its arm.',
      }),
      failed: Type.Integer({ description: 'For which it had no finite answer; they are not compared.' }),
    },
    { description: 'In the window, matured or not. Above 1 % the challenger is not called better.' },
  ),
  metrics: Type.Union(
    [
      Type.Object({
        mae: Difference('Mean absolute error, in the unit of the revenue. Lower is better.'),
        normalised_gini: Difference('Is the order right? Higher is better.'),
        bias_ratio: Difference('Sum of predictions over sum of revenue. Nearer to 1 is better.'),
        bias_distance: Difference(
          'How far the bias ratio is from 1: |ln(bias_ratio)|, so that half and twice are as far. Lower is better.',
        ),
      }),
      Type.Null(),
    ],
    { description: 'Null: there is nothing to compare.' },
  ),
  sample_ratio: Type.Union(
    [
      Type.Object({
        champion: Type.Integer({ description: 'Users that the champion answered, matured or not.' }),
        challenger: Type.Integer(),
        both: Type.Integer({ description: 'Users that are in both; there should be none.' }),
        expected_challenger_share: Type.Number(),
        p_value: Type.Number({ description: 'How likely a ratio so far off is if the split is right.' }),
        mismatch: Type.Boolean({ description: 'Below 0.001: the arms cannot be compared.' }),
        since: Time('From when on they are counted.'),
        until: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
          description: 'Null: they are still split so.',
        }),
      }),
      Type.Null(),
    ],
    { description: 'Null: nobody was split between the two, or it is not on record how.' },
  ),
  verdict: Type.Unsafe<(typeof VERDICTS)[number]>({
    type: 'string',
    enum: [...VERDICTS],
    description: 'What the challenger is.',
  }),
  reason: Type.String(),
})
