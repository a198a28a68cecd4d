/**
 * `GET /stats`: what the prediction log has counted. 503 while its database cannot be asked.
 */
import { LogUnavailableError } from '../../prediction-log/index.ts'
import type { Routes } from '../context.ts'
import { failures } from '../schemas/failure.ts'
import { Stats } from '../schemas/service.ts'

export const statsRoutes: Routes = (app, context) => {
  app.get(
    '/stats',
    {
      schema: {
        operationId: 'stats',
        tags: ['service'],
        summary: 'Statistics of all predictions in the log',
        response: { 200: Stats, ...failures(500, 503) },
      },
    },
    async () => {
      const statistics = await context.predictionLog.statistics().catch((error: unknown) => {
        throw error instanceof LogUnavailableError ? Object.assign(error, { statusCode: 503 }) : error
      })
      const { avgInferenceTimeUs } = statistics
      return {
        total_predictions: statistics.totalPredictions,
        avg_predicted_revenue: statistics.avgPredictedRevenue,
        min_predicted_revenue: statistics.minPredictedRevenue,
        max_predicted_revenue: statistics.maxPredictedRevenue,
        avg_inference_time_ms: avgInferenceTimeUs === null ? null : avgInferenceTimeUs / 1000,
        first_prediction: statistics.firstPrediction?.toISOString() ?? null,
        last_prediction: statistics.lastPrediction?.toISOString() ?? null,
        platform_distribution: { ...statistics.platforms },
        top_countries: [...statistics.topCountries],
      }
    },
  )
}
