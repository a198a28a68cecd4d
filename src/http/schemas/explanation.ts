/**
 * Whether predictions are explained, and what an explanation is.
 */
import { type Static, Type } from 'typebox'
import type { Explanation } from '../../bundle/index.ts'

export const ExplainQuery = Type.Object(
  {
    explain: Type.Optional(
      Type.Unsafe<'true' | 'false'>({
        type: 'string',
        enum: ['true', 'false'],
        description: '`true`: also why; left out: `false`.',
      }),
    ),
  },
  { additionalProperties: false },
)

const Contribution = (feature: string, value: string, type: string[]) =>
  Type.Object({
    feature: Type.String({ description: feature }),
    value: Type.Unsafe<string | number | boolean | null>({ type, description: value }),
    contribution: Type.Number({ description: 'What it adds to the raw score.' }),
  })

const RAW_SCORE = {
  raw_score: Type.Number({ description: 'The base value and the contributions, summed up.' }),
  base_value: Type.Number({ description: 'The raw score before anything is known of the install.' }),
  contributions: Type.Array(
    Contribution('An input field.', 'As it was sent.', ['string', 'number', 'boolean', 'null']),
    { description: 'By input field, all of them; the greatest first.' },
  ),
  features: Type.Array(
    Contribution('A feature of the model, or its offset.', 'As the model takes it; null where it has none.', [
      'number',
      'null',
    ]),
    { description: 'By feature of the model; the greatest first.' },
  ),
}

const { raw_score, base_value, contributions, features } = RAW_SCORE

export const ExplanationSchema = Type.Object(
  {
    raw_score: Type.Optional(raw_score),
    base_value: Type.Optional(base_value),
    contributions: Type.Optional(contributions),
    features: Type.Optional(features),
    parts: Type.Optional(
      Type.Array(
        Type.Object({
          name: Type.String({ description: 'Of the ensemble.' }),
          role: Type.String({ description: '`revenue`, `payer` or `amount`.' }),
          objective: Type.String({ description: 'LightGBM’s: it says what the raw score is.' }),
          ...RAW_SCORE,
        }),
        {
          description:
            'In place of all others where the model combines several ensembles: then each has a raw score of its own, and there is none of their combination.',
        },
      ),
    ),
  },
  {
    $id: 'Explanation',
    description:
      'Why the model answers so: TreeSHAP of the raw score. With a model of the objective `tweedie` that is a logarithm, and exp(contribution) a factor of the revenue. It says what the model does, not what causes revenue.',
  },
)

export const ExplanationRef = Type.Unsafe<Explanation>({ $ref: 'Explanation#' })

export type ExplainQuery = Static<typeof ExplainQuery>
