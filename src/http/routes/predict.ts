/**
 * `POST /predict` and `POST /batch_predict`: installs → predictions, each answered when it is safe in the log.
 *
 * A request takes what is in service once; a change of models never splits a batch. A user, or a prediction without one, is
 * answered by the arm of the experiment that he is in. A bad row of a batch is answered with its own error and fails no other.
 */
import { type AppContext, type Routes, servingOf } from '../context.ts'
import { failures } from '../schemas/failure.ts'
import { ExplainQuery } from '../schemas/explanation.ts'
import { Install, type InstallBody, InstallRef } from '../schemas/install.ts'
import { BatchAnswer, batchBody, type BatchRow, PredictAnswer } from '../schemas/predict.ts'
import { explain, toJson } from '../plugins/validation.ts'
import { addExplanations, expectExplainable } from './explaining.ts'
import { type Interval, roundTo6 } from '../../bundle/index.ts'
import type { PredictionRecord } from '../../prediction-log/index.ts'
import type { Answer, Assignment, Serving } from '../../rollout/index.ts'

export const predictRoutes: Routes = (app, context) => {
  app.post(
    '/predict',
    {
      config: { scope: 'predict' },
      schema: {
        operationId: 'predict',
        tags: ['predict'],
        summary: 'Predict one install',
        querystring: ExplainQuery,
        body: InstallRef,
        response: { 200: PredictAnswer, ...failures(400, 413, 415) },
      },
    },
    async (request) => {
      const serving = servingOf(context)
      const { answer, record, interval } = predict(context, serving, request.body, context.now())
      const explanation = request.query.explain === 'true' && answer.bundle.explain(record.install)
      await context.predictionLog.append([record])
      follow(context, serving, [{ answer, record, interval }])
      return {
        predicted_revenue: record.predictedRevenue,
        ...(interval && { interval }),
        inference_time_ms: record.inferenceTimeUs / 1000,
        timestamp: record.time.toISOString(),
        prediction_id: record.predictionId,
        model: modelOf(answer),
        ...(explanation && { explanation }),
      }
    },
  )

  app.post(
    '/batch_predict',
    {
      config: { scope: 'predict' },
      schema: {
        operationId: 'batchPredict',
        tags: ['predict'],
        summary: 'Predict many installs',
        querystring: ExplainQuery,
        body: batchBody(context.batchMaxUsers),
        response: { 200: BatchAnswer, ...failures(400, 413, 415) },
      },
    },
    async (request) => {
      const isExplained = request.query.explain === 'true'
      if (isExplained) expectExplainable(request.body.users.length, context.explainMaxUsers)
      const serving = servingOf(context)
      const time = context.now()
      const isInstall = request.getValidationFunction(Install) ?? request.compileValidationSchema(Install)
      const predicted: (Answered & { readonly at: number })[] = []
      const predictions = request.body.users.map((input, at): BatchRow => {
        if (!isInstall(input as Record<string, unknown>))
          return { input: toJson(input) === null ? null : input, error: explain(isInstall.errors, 'user') }
        try {
          const { answer, record, interval } = predict(context, serving, input as InstallBody, time)
          predicted.push({ answer, record, interval, at })
          return {
            input,
            predicted_revenue: record.predictedRevenue,
            ...(interval && { interval }),
            prediction_id: record.predictionId,
            ...(!isChampion(record) && { model: modelOf(answer) }),
          }
        } catch (error) {
          request.log.error({ err: error }, 'a user of a batch could not be predicted')
          return { input, error: 'the model has no finite answer for this user' }
        }
      })
      const answered = isExplained ? await addExplanations(predictions, predicted) : predicted
      const records = answered.map(({ record }) => record)
      if (records.length > 0) await context.predictionLog.append(records)
      follow(context, serving, answered)
      return {
        predictions,
        total_users: predictions.length,
        inference_time_ms: roundTo6(records.reduce((sum, record) => sum + record.inferenceTimeUs, 0) / 1000),
        timestamp: time.toISOString(),
        model: modelOf(serving.champion),
      }
    },
  )
}

interface Answered {
  readonly answer: Pick<Answer, 'bundle' | 'variant' | 'failed'>
  readonly record: PredictionRecord
  /** Null where the model has none; it is answered, and not logged. */
  readonly interval: Interval | null
}

function predict(context: AppContext, serving: Serving, body: InstallBody, time: Date): Answered {
  const { user_id: userId = null, ...install } = body
  const predictionId = context.newPredictionId(time)
  const start = performance.now()
  const answer = serving.predict(userId ?? predictionId, install)
  const { bundle, variant, prediction } = answer
  const inferenceTimeMs = roundTo6(performance.now() - start)
  const record = {
    predictionId,
    time,
    userId,
    install,
    predictedRevenue: roundTo6(prediction.revenue),
    rawScore: prediction.rawScore,
    inferenceTimeUs: inferenceTimeMs * 1000,
    modelName: bundle.manifest.name,
    modelVersion: bundle.manifest.version,
    variant,
  }
  const { interval } = prediction
  return {
    answer,
    record,
    interval: interval && { p10: roundTo6(interval.p10), p90: roundTo6(interval.p90) },
  }
}

/** After the answers: what the challenger failed in its arm is kept, and the rest of the champion's is offered to the shadow. */
function follow({ shadow }: AppContext, serving: Serving, answered: readonly Answered[]): void {
  for (const { answer, record } of answered) if (answer.failed) shadow.miss(answer.failed, record)
  if (!serving.shadow) return
  const offered = answered.filter(({ answer, record }) => !answer.failed && isChampion(record))
  const records = offered.map(({ record }) => record)
  if (records.length > 0) shadow.offer(serving.shadow, records)
}

function isChampion({ variant }: PredictionRecord): boolean {
  return variant === 'champion'
}

function modelOf({ bundle, variant }: Assignment): {
  name: string
  version: string
  variant: string
} {
  return { name: bundle.manifest.name, version: bundle.manifest.version, variant }
}
