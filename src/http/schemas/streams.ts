/**
 * What `/batch_predict` takes and answers by content type: JSON at once, or a stream of lines.
 */
import { type Static, Type } from 'typebox'
import { CSV, NDJSON } from '../streams/index.ts'
import { InstallRef } from './install.ts'
import { BatchAnswer, batchBody, Interval, PredictionId, Revenue, ServedModel } from './predict.ts'

export type BatchBody = Static<ReturnType<typeof batchBody>>

export const BATCH_DESCRIPTION =
  `JSON is answered at once, and \`${NDJSON}\` or \`${CSV}\` line by line while it arrives: any number of
installs, each answered in its place, also those that are wrong. Read the answers while you send. The last line is the \`summary\`, or a
\`failure\` that says why there are no more answers; where both are missing, the answer was cut off.`.replaceAll(
    '\n',
    ' ',
  )

/** The lines of a stream are validated one by one, so its body as a whole may be anything. */
const lines = (description: string, line: object) => ({
  schema: Type.Unsafe<unknown>({ description, anyOf: [line, {}] }),
})

export const batchBodies = (maxUsers: number) => ({
  content: {
    'application/json': { schema: batchBody(maxUsers) },
    [NDJSON]: lines('One install a line. Empty lines are passed over.', InstallRef),
    [CSV]: lines(
      'RFC 4180, with a header: the fields of an install and, if you like, `user_id`, in any order. An empty cell is null.',
      Type.String(),
    ),
  },
})

const Answered = Type.Object(
  {
    line: Type.Integer({ description: 'Of the request, from 1; in CSV the header is the first.' }),
    predicted_revenue: Revenue,
    interval: Type.Optional(Interval),
    prediction_id: PredictionId,
    model: Type.Optional({
      ...ServedModel,
      description: 'Where another model than that of the summary has answered.',
    }),
  },
  { description: 'A prediction.' },
)

const Wrong = Type.Object(
  { line: Type.Integer(), error: Type.String({ description: 'Why this line has no prediction.' }) },
  { description: 'The answer to a line that is wrong.' },
)

const Summary = Type.Object(
  {
    summary: Type.Object({
      lines: Type.Integer({ description: 'All that were answered.' }),
      predictions: Type.Integer(),
      errors: Type.Integer(),
      inference_time_ms: Type.Number(),
      timestamp: Type.String({ format: 'date-time' }),
      model: ServedModel,
    }),
  },
  { description: 'The last line, after all answers.' },
)

const Failed = Type.Object(
  { failure: Type.Unsafe<Record<string, unknown>>({ $ref: 'Failure#' }) },
  { description: 'The last line, where the other lines are not answered.' },
)

export const BatchAnswers = {
  description: 'Each install has either a prediction or an error, in the order of the request.',
  content: {
    'application/json': { schema: BatchAnswer },
    [NDJSON]: {
      schema: Type.Unsafe<unknown>({
        description: 'Each line is one of these.',
        anyOf: [Answered, Wrong, Summary, Failed],
      }),
    },
  },
}
