/**
 * `POST /predict` and `POST /batch_predict`: installs → predictions, each answered when it is safe in the log.
 *
 * A request takes what is in service once; a change of models never splits a batch. A user, or a prediction without one, is
 * answered by the arm of the experiment that he is in. A bad row of a batch is answered with its own error and fails no other.
 */
import { type Routes, servingOf } from '../context.ts'
import { type Answered, follow, isChampion, modelOf, predict, roundTo6 } from '../prediction.ts'
import { failures } from '../schemas/failure.ts'
import { Install, type InstallBody, InstallRef } from '../schemas/install.ts'
import { BatchAnswer, batchBody, PredictAnswer } from '../schemas/predict.ts'
import { explain, toJson } from '../plugins/validation.ts'

export const predictRoutes: Routes = (app, context) => {
  app.post(
    '/predict',
    {
      config: { scope: 'predict' },
      schema: {
        operationId: 'predict',
        tags: ['predict'],
        summary: 'Predict one install',
        body: InstallRef,
        response: { 200: PredictAnswer, ...failures(400, 413, 415) },
      },
    },
    async (request) => {
      const serving = servingOf(context)
      const { answer, record, interval } = predict(context, serving, request.body, context.now())
      await context.predictionLog.append([record])
      follow(context, serving, [{ answer, record, interval }])
      return {
        predicted_revenue: record.predictedRevenue,
        ...(interval && { interval }),
        inference_time_ms: record.inferenceTimeUs / 1000,
        timestamp: record.time.toISOString(),
        prediction_id: record.predictionId,
        model: modelOf(answer),
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
        body: batchBody(context.batchMaxUsers),
        response: { 200: BatchAnswer, ...failures(400, 413, 415) },
      },
    },
    async (request) => {
      const serving = servingOf(context)
      const time = context.now()
      const isInstall = request.getValidationFunction(Install) ?? request.compileValidationSchema(Install)
      const answered: Answered[] = []
      const predictions = request.body.users.map((input) => {
        if (!isInstall(input as Record<string, unknown>))
          return { input: toJson(input) === null ? null : input, error: explain(isInstall.errors, 'user') }
        try {
          const { answer, record, interval } = predict(context, serving, input as InstallBody, time)
          answered.push({ answer, record, interval })
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
