/**
 * `GET /stats`: what the prediction log has counted. 503 while its database cannot be asked.
 */
import { type Totals, WINDOWS } from '../../prediction-log/index.ts'
import { facetsInService, type Routes } from '../context.ts'
import { describe } from '../plugins/validation.ts'
import { failures } from '../schemas/failure.ts'
import { Stats, StatsQuerystring } from '../schemas/stats.ts'

export const statsRoutes: Routes = (app, context) => {
  app.get(
    '/stats',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'stats',
        tags: ['service'],
        summary: 'Statistics of the predictions in the log',
        querystring: StatsQuerystring,
        response: { 200: Stats, ...failures() },
      },
    },
    async (request) => {
      const { window = 'all', bucket = null } = request.query
      const resolutions: readonly string[] = WINDOWS[window].resolutions
      if (bucket !== null && !resolutions.includes(bucket))
        throw Object.assign(
          new Error(
            `bucket: expected ${resolutions.join(' or ')} for the window ${window}, got ${describe(bucket)}`,
          ),
          { statusCode: 400, code: 'BUCKET_INVALID' },
        )
      const facets = facetsInService(context)
      const statistics = await context.predictionLog.statistics({
        window,
        bucket,
        facets,
        now: context.now(),
      })
      return {
        window,
        from: statistics.from?.toISOString() ?? null,
        ...toWire(statistics),
        platform_distribution: { ...statistics.platforms },
        top_countries: [...statistics.topCountries],
        facets: statistics.facets.map(({ facet, values }) => ({ facet, values: [...values] })),
        ...(statistics.buckets && {
          buckets: statistics.buckets.map((totals) => ({
            start: totals.start.toISOString(),
            ...toWire(totals),
          })),
        }),
      }
    },
  )
}

function toWire(totals: Totals) {
  const { avgInferenceTimeUs } = totals
  return {
    total_predictions: totals.totalPredictions,
    avg_predicted_revenue: totals.avgPredictedRevenue,
    min_predicted_revenue: totals.minPredictedRevenue,
    max_predicted_revenue: totals.maxPredictedRevenue,
    avg_inference_time_ms: avgInferenceTimeUs === null ? null : avgInferenceTimeUs / 1000,
    first_prediction: totals.firstPrediction?.toISOString() ?? null,
    last_prediction: totals.lastPrediction?.toISOString() ?? null,
  }
}
