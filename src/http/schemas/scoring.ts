/**
 * What MLflow's scoring protocol takes and answers. The request is read by hand, since MLflow's formats are told apart by their keys;
 * this describes it.
 */
import { type TSchema, Type } from 'typebox'
import { CSV } from '../streams/index.ts'
import { InstallRef } from './install.ts'

const Record = Type.Unsafe<unknown>({ anyOf: [InstallRef, {}] })
const Params = Type.Optional(
  Type.Unknown({ description: 'MLflow’s parameters of a model: this one takes none.' }),
)

const Body = Type.Union(
  [
    Type.Object({
      dataframe_split: Type.Object({
        columns: Type.Array(Type.String(), {
          description: 'The fields of an install and, if you like, `user_id`, in any order.',
        }),
        data: Type.Array(Type.Array(Type.Unknown()), { description: 'A list of values for each install.' }),
        index: Type.Optional(Type.Unknown({ description: 'Passed over.' })),
      }),
      params: Params,
    }),
    Type.Object({ dataframe_records: Type.Array(Record), params: Params }),
    Type.Object({ instances: Type.Array(Record), params: Params }),
    Type.Object({
      inputs: Type.Unknown({
        description: 'A list of installs; or an object with a list for each field; or one install.',
      }),
      params: Params,
    }),
  ],
  { description: 'One of MLflow’s formats. A bare `NaN`, as Python writes it, is null.' },
)

/** It is validated when it has been read, so the body as it comes may be anything. */
const read = (schema: TSchema) => ({ schema: Type.Unsafe<unknown>({ anyOf: [schema, {}] }) })

export const ScoringBody = {
  content: {
    'application/json': read(Body),
    [CSV]: read(
      Type.String({
        description: 'With a header, as `DataFrame.to_csv(index=False)` writes it. An empty cell is null.',
      }),
    ),
  },
}

export const ScoringAnswer = Type.Object({
  predictions: Type.Array(Type.Number({ minimum: 0 }), {
    description: 'Revenue of each install within the horizon, in their order, rounded to 6 decimals.',
  }),
  prediction_ids: Type.Array(Type.String({ format: 'uuid' }), {
    description: 'Their keys in the log, with which `/outcomes` takes what really came.',
  }),
})

export const ScoringFailure = Type.Object(
  {
    error_code: Type.String({ description: 'A code of MLflow’s.' }),
    message: Type.String({
      description: 'The row, the field, and what was expected; no value of the request.',
    }),
  },
  { description: 'An error.' },
)
