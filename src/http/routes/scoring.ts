/**
 * MLflow's scoring protocol: `POST /invocations`, `GET /ping`, `GET /version`; its `/health` is the service's own. SageMaker and
 * `mlflow.deployments` speak it. All installs of a request are answered, or none is and nothing is logged.
 */
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { InputSchema } from '../../inputs/index.ts'
import { type App, type AppContext, servingOf } from '../context.ts'
import { expectPlainUtf8 } from '../plugins/body-encoding.ts'
import { parsePythonJson } from '../plugins/python-json.ts'
import { predictAll, refusal } from '../prediction.ts'
import { failuresAs } from '../schemas/failure.ts'
import { ScoringAnswer, ScoringBody, ScoringFailure } from '../schemas/scoring.ts'
import { installsIn } from '../scoring/frames.ts'
import { CSV, CsvRows } from '../streams/index.ts'

const { failures, failuresOnly } = failuresAs(ScoringFailure)

export function scoringRoutes(root: App, context: AppContext, version: string): void {
  root.register(async (app: App) => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser<Buffer>(['application/json', CSV], { parseAs: 'buffer' }, (_, body, done) =>
      done(null, body),
    )

    app.post(
      '/invocations',
      {
        config: { scope: 'predict' },
        schema: {
          operationId: 'invocations',
          tags: ['protocols'],
          summary: 'MLflow: score installs',
          body: ScoringBody,
          response: { 200: ScoringAnswer, ...failures(413, 415) },
        },
      },
      async (request) => {
        const serving = servingOf(context)
        const { inputs, nameOf } = inputsOf(request, context, serving.inputs)
        const answered = await predictAll(context, request, serving, inputs, nameOf)
        return {
          predictions: answered.map(({ record }) => record.predictedRevenue),
          prediction_ids: answered.map(({ record }) => record.predictionId),
        }
      },
    )

    app.get(
      '/ping',
      {
        config: { scope: 'open' },
        schema: {
          operationId: 'ping',
          tags: ['protocols'],
          summary: 'MLflow: is there a model that answers?',
          response: { 200: text('A line feed.'), ...failuresOnly(503) },
        },
      },
      (_, reply) => {
        servingOf(context)
        reply.type('text/plain')
        return '\n'
      },
    )

    app.get(
      '/version',
      {
        config: { scope: 'open' },
        schema: {
          operationId: 'version',
          tags: ['protocols'],
          summary: 'MLflow: the version of what answers',
          response: { 200: text('Of this service, not of an MLflow.') },
        },
      },
      (_, reply) => {
        reply.type('text/plain')
        return version
      },
    )
  })
}

interface Inputs {
  readonly inputs: readonly unknown[]
  /** What to call one of them in an error, by its place. */
  readonly nameOf: (place: number) => string
}

function inputsOf(request: FastifyRequest, { streams }: AppContext, schema: InputSchema): Inputs {
  const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0)
  expectPlainUtf8(request)
  if (request.mediaType !== CSV)
    return { inputs: installsIn(parsePythonJson(body), schema), nameOf: (place) => `row ${place}` }
  const reader = new CsvRows(streams.lineBytes, schema)
  const rows = [...reader.push(body), ...reader.end()].map((row) => {
    if ('error' in row) throw refusal(row.error.replace('line', `line ${row.line}`))
    return row
  })
  return { inputs: rows.map(({ input }) => input), nameOf: (place) => `line ${rows[place]!.line}` }
}

const text = (description: string) => ({
  description,
  content: { 'text/plain': { schema: Type.String() } },
})
