/**
 * The Open Inference Protocol, version 2, with the binary tensor data extension: what clients of KServe and Triton speak. All installs of
 * a request are answered, or none is and nothing is logged.
 */
import type { FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify'
import { kindOf } from '../../inputs/index.ts'
import { type App, type AppContext, servingOf } from '../context.ts'
import { modelNamed, type ModelParams } from '../inference/models.ts'
import { chosenOutputs, OUTPUT_TENSORS, outputsOf } from '../inference/outputs.ts'
import { readTensorBodies } from '../inference/request.ts'
import { inputTensors, installsOf } from '../inference/tensors.ts'
import { explain } from '../plugins/validation.ts'
import { type Answered, predictAll } from '../prediction.ts'
import { failuresAs } from '../schemas/failure.ts'
import {
  BINARY,
  InferenceAnswers,
  InferenceBody,
  InferenceFailure,
  InferenceHeaders,
  ModelMetadata,
  ModelPath,
  ModelReady,
  ServerLive,
  ServerMetadata,
  ServerReady,
  VersionPath,
} from '../schemas/inference.ts'
import { expectReady } from './health.ts'

const { failures, failuresOnly } = failuresAs(InferenceFailure)
const PLATFORM = 'lightgbm_day7'
const JSON_LENGTH = 'inference-header-content-length'

export function inferenceRoutes(root: App, context: AppContext, version: string): void {
  root.register(async (app: App) => {
    readTensorBodies(app)

    app.get('/v2', about('serverMetadata', 'the service', 'open', { 200: ServerMetadata }), () => ({
      name: 'day7',
      version,
      extensions: ['binary_tensor_data'],
    }))

    app.get(
      '/v2/health/live',
      about('serverLive', 'is the process alive?', 'open', { 200: ServerLive }),
      () => ({
        live: true,
      }),
    )

    app.get(
      '/v2/health/ready',
      about('serverReady', 'may it get traffic?', 'open', { 200: ServerReady, ...failuresOnly(503) }),
      () => {
        expectReady(context)
        return { ready: true }
      },
    )

    for (const [path, params, suffix] of [
      ['/v2/models/:name', ModelPath, ''],
      ['/v2/models/:name/versions/:version', VersionPath, 'Version'],
    ] as const) {
      const modelOf = (request: FastifyRequest) =>
        modelNamed(servingOf(context), request.params as ModelParams)

      app.get(
        path,
        about(`modelMetadata${suffix}`, 'a model', 'read', { 200: ModelMetadata, ...failures(404) }, params),
        (request) => {
          const { name, versions, answering } = modelOf(request)
          const inputs = inputTensors(answering.inputs)
          return { name, versions, platform: PLATFORM, inputs, outputs: OUTPUT_TENSORS }
        },
      )

      app.get(
        `${path}/ready`,
        about(
          `modelReady${suffix}`,
          'does a model answer?',
          'open',
          { 200: ModelReady, ...failuresOnly(404, 503) },
          params,
        ),
        (request) => ({ name: modelOf(request).name, ready: true }),
      )

      app.post(
        `${path}/infer`,
        {
          config: { scope: 'predict' },
          schemaErrorFormatter: (errors, part) => new Error(explain(errors, part, kindOf)),
          schema: {
            operationId: `infer${suffix}`,
            tags: ['protocols'],
            summary: 'Open Inference Protocol: infer',
            consumes: ['application/json', BINARY],
            params,
            headers: InferenceHeaders,
            body: InferenceBody,
            response: { 200: InferenceAnswers, ...failures(404, 413, 415) },
          },
        },
        async (request, reply) => {
          const { name, answering } = modelOf(request)
          const { id, inputs, outputs = null, parameters = null } = request.body
          const choice = chosenOutputs(outputs, parameters)
          const installs = installsOf(answering.inputs, inputs, request.tensorBytes)
          const answered = await predictAll(context, request, answering, installs, (place) => `row ${place}`)
          const { outputs: tensors, binary } = outputsOf(answered, choice)
          const answer = {
            model_name: name,
            ...versionOf(answered),
            ...(id != null && { id }),
            outputs: tensors,
          }
          return binary === null ? answer : withBytes(reply, answer, binary)
        },
      )
    }
  })
}

function about(operationId: string, what: string, scope: 'open' | 'read', response: object, params?: object) {
  return {
    config: { scope },
    schema: {
      operationId,
      tags: ['protocols'],
      summary: `Open Inference Protocol: ${what}`,
      ...(params && { params }),
      response,
    },
  } satisfies RouteShorthandOptions
}

/** Nothing, where more than one has answered. */
function versionOf(answered: readonly Answered[]): { readonly model_version?: string } {
  const [version, ...others] = new Set(answered.map(({ record }) => record.modelVersion))
  return version === undefined || others.length > 0 ? {} : { model_version: version }
}

function withBytes(reply: FastifyReply, answer: object, binary: Buffer): FastifyReply {
  const json = Buffer.from(JSON.stringify(answer))
  return reply
    .type(BINARY)
    .header(JSON_LENGTH, json.length)
    .send(Buffer.concat([json, binary]))
}
