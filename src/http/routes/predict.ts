/**
 * `POST /predict` and `POST /batch_predict`: installs → predictions, each answered when it is safe in the log.
 *
 * A request takes what is in service once; a change of models never splits a batch. A user, or a prediction without one, is
 * answered by the arm of the experiment that he is in. A bad row of a batch is answered with its own error and fails no other.
 */
import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { answerOnce } from '../answer-once.ts'
import { type Routes, servingOf } from '../context.ts'
import { roundTo6 } from '../../bundle/index.ts'
import { toJson } from '../plugins/validation.ts'
import { type Answered, follow, isChampion, modelOf, predict, predictOneOf } from '../prediction.ts'
import { ExplainQuery } from '../schemas/explanation.ts'
import { failures } from '../schemas/failure.ts'
import { IDEMPOTENCY_KEY, IdempotencyHeaders } from '../schemas/idempotency.ts'
import { InstallRef } from '../schemas/install.ts'
import { type BatchRow, PredictAnswer } from '../schemas/predict.ts'
import { BATCH_DESCRIPTION, batchBodies, BatchAnswers, type BatchBody } from '../schemas/streams.ts'
import { streamReplies } from '../streams/index.ts'
import { addExplanations, expectExplainable } from './explaining.ts'

export const predictRoutes: Routes = (app, context) => {
  const replyToStream = streamReplies(app, context)
  app.post(
    '/predict',
    {
      config: { scope: 'predict' },
      schema: {
        operationId: 'predict',
        tags: ['predict'],
        summary: 'Predict one install',
        headers: IdempotencyHeaders,
        querystring: ExplainQuery,
        body: InstallRef,
        response: { 200: PredictAnswer, ...failures(413, 415, 422) },
      },
    },
    answerOnce(context, (request: FastifyRequest<{ Querystring: ExplainQuery }>) => {
      const serving = servingOf(context)
      const install = app.intakes.of(serving).read(request.body, 'body')
      if (typeof install === 'string') throw invalid(install)
      const endSpan = context.startSpan?.('predict')
      const answered = predict(context, serving, install, context.now())
      endSpan?.()
      const { answer, record, interval } = answered
      const explanation = request.query.explain === 'true' && answer.bundle.explain(record.row)
      const body = {
        predicted_revenue: record.predictedRevenue,
        ...(interval && { interval }),
        inference_time_ms: record.inferenceTimeUs / 1000,
        timestamp: record.time.toISOString(),
        prediction_id: record.predictionId,
        model: modelOf(answer),
        ...(explanation && { explanation }),
      }
      return { body, records: [record], follow: () => follow(context, request, serving, [answered]) }
    }),
  )

  const answerBatch = answerOnce(context, async (request: FastifyRequest<{ Querystring: ExplainQuery }>) => {
    const { users } = request.body as BatchBody
    const isExplained = request.query.explain === 'true'
    if (isExplained) expectExplainable(users.length, context.explainMaxUsers)
    const serving = servingOf(context)
    const time = context.now()
    const intake = app.intakes.of(serving)
    const predicted: (Answered & { readonly at: number })[] = []
    const endSpan = context.startSpan?.('predict')
    const predictions = users.map((input, at): BatchRow => {
      const result = predictOneOf(context, serving, input, {
        time,
        intake,
        log: request.log,
        whole: 'user',
      })
      if ('error' in result) return { input: toJson(input) === null ? null : input, error: result.error }
      predicted.push({ ...result, at })
      const { answer, record, interval } = result
      return {
        input,
        predicted_revenue: record.predictedRevenue,
        ...(interval && { interval }),
        prediction_id: record.predictionId,
        ...(!isChampion(record) && { model: modelOf(answer) }),
      }
    })
    endSpan?.()
    const answered = isExplained ? await addExplanations(predictions, predicted) : predicted
    const records = answered.map(({ record }) => record)
    const body = {
      predictions,
      total_users: predictions.length,
      inference_time_ms: roundTo6(records.reduce((sum, record) => sum + record.inferenceTimeUs, 0) / 1000),
      timestamp: time.toISOString(),
      model: modelOf(serving.champion),
    }
    return { body, records, follow: () => follow(context, request, serving, answered) }
  })

  app.post(
    '/batch_predict',
    {
      config: { scope: 'predict', streams: true },
      schema: {
        operationId: 'batchPredict',
        tags: ['predict'],
        summary: 'Predict many installs',
        description: BATCH_DESCRIPTION,
        headers: IdempotencyHeaders,
        querystring: ExplainQuery,
        body: batchBodies(context.batchMaxUsers),
        response: { 200: BatchAnswers, ...failures(408, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      // A stream is answered as it comes, so there is no first answer to be given again.
      if (!(request.body instanceof Readable) || request.headers[IDEMPOTENCY_KEY] !== undefined)
        return answerBatch(request, reply)
      if (request.query.explain === 'true')
        throw Object.assign(
          new Error('explain: expected only with a body of application/json, got a stream'),
          {
            statusCode: 400,
            code: 'EXPLAIN_NOT_SUPPORTED',
          },
        )
      return replyToStream(request, reply)
    },
  )
}

/** As of a body that the route's own schema refuses. */
function invalid(message: string): Error {
  return Object.assign(new Error(message), { statusCode: 400, code: 'FST_ERR_VALIDATION' })
}
