/**
 * MLflow's scoring protocol: `POST /invocations`, `GET /ping`, `GET /version`; its `/health` is the service's own. SageMaker and
 * `mlflow.deployments` speak it. All installs of a request are answered, or none is and nothing is logged.
 */
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { CsvStream, objectsIn } from '../../formats/index.ts'
import { kindOf } from '../../inputs/index.ts'
import type { Serving } from '../../rollout/index.ts'
import { type App, type AppContext, servingOf } from '../context.ts'
import { expectPlainUtf8 } from '../plugins/body-encoding.ts'
import { parsePythonJson } from '../plugins/python-json.ts'
import { headerRefusal, inputRefusal, refusing } from '../input-refusals.ts'
import { predictAll } from '../prediction.ts'
import { failuresAs } from '../schemas/failure.ts'
import { ScoringAnswer, ScoringBody, ScoringFailure } from '../schemas/scoring.ts'
import { CSV, rowStreamOptions } from '../streams/index.ts'

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
        const { installs, nameOf } = installsOf(request, context, serving)
        const answered = await predictAll(context, request, serving, installs, nameOf)
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

interface Installs {
  readonly installs: Parameters<typeof predictAll>[3]
  /** What to call one of them in an error, by its place. */
  readonly nameOf: (place: number) => string
}

function installsOf(request: FastifyRequest, { streams }: AppContext, serving: Serving): Installs {
  const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0)
  expectPlainUtf8(request)
  if (request.mediaType !== CSV) {
    const { inputs, otherInputs } = serving
    const objects = refusing(
      () => objectsIn(parsePythonJson(body), inputs, otherInputs ? [otherInputs] : []),
      inputRefusal,
    )
    const intake = request.server.intakes.of(serving)
    return {
      installs: objects.map((object) => intake.read(object, 'install', kindOf)),
      nameOf: (place) => `row ${place}`,
    }
  }
  const rows = refusing(() => {
    const reader = new CsvStream(rowStreamOptions(serving, streams.lineBytes))
    return [...reader.push(body), ...reader.end()]
  }, headerRefusal)
  return {
    installs: rows.map((row) => ('fault' in row ? row.fault : row.install)),
    nameOf: (place) => `line ${rows[place]!.line}`,
  }
}

const text = (description: string) => ({
  description,
  content: { 'text/plain': { schema: Type.String() } },
})
