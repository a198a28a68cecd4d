/**
 * What `/model/history`, `/model/inputs` and `/model/drift` take and answer.
 */
import { Type } from 'typebox'
import { MIN_DRIFT_COUNT } from '../../monitor/index.ts'

export const HistoryQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.Unsafe<string>({
        type: 'string',
        pattern: '^([1-9][0-9]?|100)$',
        'x-expected': 'a whole number from 1 to 100',
        description: 'Most events in the answer, 1 to 100; left out: 20.',
      }),
    ),
  },
  { additionalProperties: false },
)

const NumberOrNull = (description: string) => Type.Union([Type.Number(), Type.Null()], { description })
const TextOrNull = Type.Union([Type.String(), Type.Null()])

export const HistoryAnswer = Type.Object({
  events: Type.Array(
    Type.Object({
      time: Type.String({ format: 'date-time' }),
      event: Type.String({
        description:
          '`serving`: it serves now; `refused`: it was not fit to; `cleared`: nothing serves there any more; `traffic`: users were dealt anew; `retrained`: a new challenger was published; `withheld`: a retraining was refused by a gate.',
      }),
      variant: TextOrNull,
      model: TextOrNull,
      version: TextOrNull,
      host: Type.String(),
      detail: TextOrNull,
    }),
    { description: 'Latest first.' },
  ),
})

export const InputsAnswer = Type.Object({
  model: Type.Object({ name: Type.String(), version: Type.String() }),
  schema_id: Type.String({
    description: 'Of the input schema: 16 hexadecimal digits, the same for schemas that mean the same.',
  }),
  target: Type.Object(
    {
      name: Type.String(),
      horizon_days: Type.Number({ description: 'Days after the install.' }),
      unit: TextOrNull,
    },
    { description: 'What the model predicts.' },
  ),
  user_id_column: Type.String({
    description: 'The column of files that holds the studio’s own id of the player; in JSON it is `user_id`.',
  }),
  inputs: Type.Array(
    Type.Object({
      field: Type.String({ description: 'Its name in JSON, in frames and as a tensor.' }),
      column: Type.String({ description: 'Its name in CSV, NDJSON and Parquet files.' }),
      kind: Type.String({ description: '`text`, `number`, `boolean` or `time`.' }),
      nullable: Type.Boolean(),
      required: Type.Boolean({ description: 'False: it may be left out, and is null then.' }),
      roles: Type.Array(Type.String(), {
        description:
          'What it is used for: `facet`, `personal`, `event`, `amount`, `group`, `version` or `install_time`.',
      }),
      minimum: NumberOrNull('Of a number.'),
      maximum: NumberOrNull('Of a number.'),
      max_length: NumberOrNull('Of a text, in code points.'),
      format: Type.Union([Type.String(), Type.Null()], {
        description:
          'Of a time: `iso`, `day_first` or `month_first`, which both take ISO 8601, too. Epochs are taken as well.',
      }),
      description: TextOrNull,
      unit: TextOrNull,
      example: Type.Unsafe<string | number | boolean | null>({
        type: ['string', 'number', 'boolean', 'null'],
        description: 'As a request has it.',
      }),
      known: Type.Union([Type.Array(Type.String()), Type.Null()], {
        description:
          'Values that the model learnt something about, as it folds them: in lower case mostly, for devices the first word. Those seen most often first, where that is known. Null for all but texts, and for texts that are read otherwise.',
      }),
    }),
  ),
})

const Psi = Type.Number({ description: 'Population stability index.' })

export const DriftAnswer = Type.Object(
  {
    model: Type.Object({ name: Type.String(), version: Type.String() }),
    window_seconds: Type.Number(),
    predictions: Type.Integer({ description: 'Predictions of the window that were looked at, a sample.' }),
    min_predictions: Type.Integer({ description: 'Of fewer there are no indexes.' }),
    prediction: Type.Union([Psi, Type.Null()], { description: 'Of what was predicted.' }),
    features: Type.Array(Type.Object({ feature: Type.String(), psi: Psi }), {
      description: 'Of the features of the model; the greatest first.',
    }),
    unknown_values: Type.Array(
      Type.Object({
        field: Type.String({ description: 'An input field.' }),
        reason: Type.String({
          description:
            '`unseen`: a text that training never saw; `marker`: one that commonly stands for a missing value, such as `NULL` or `-`; `blanks`: one with blanks around it; `outside`: a number below the least or above the greatest that training saw, or a time before its earliest.',
        }),
        count: Type.Integer({ description: 'Predictions of the window that have such a value.' }),
        share: Type.Number({ description: 'Of the predictions that were looked at.' }),
      }),
      {
        description:
          'Values that the model does not know; the most frequent first. There from the first prediction on.',
      },
    ),
  },
  {
    description: `How far recent installs are from those that the model learnt from: below 0.1 is called stable, above 0.25 another population. Of the process that answers, and there once it has looked at ${MIN_DRIFT_COUNT} predictions.`,
  },
)
