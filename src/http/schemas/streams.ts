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
const lines = (description: string, line: object, example: string) => ({
  schema: Type.Unsafe<unknown>({ description, anyOf: [line, {}], examples: [example] }),
})

export const batchBodies = (maxUsers: number) => ({
  content: {
    'application/json': { schema: batchBody(maxUsers) },
    [NDJSON]: lines(
      'One install a line. Empty lines are passed over.',
      InstallRef,
      '{"country":"es","country_region":"Madrid","source":"Organic","platform":"iOS","device_family":"Apple iPhone","os_version":"14.4","event_1":100,"event_2":50,"event_3":10}\n',
    ),
    [CSV]: lines(
      'RFC 4180, with a header: the nine fields and, if you like, `user_id`, in any order. An empty cell is null.',
      Type.String(),
      'country,country_region,source,platform,device_family,os_version,event_1,event_2,event_3\nes,Madrid,Organic,iOS,Apple iPhone,14.4,100,50,10\n',
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
