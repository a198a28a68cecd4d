/**
 * `GET /model/info`: what a serving model is and what it was made from.
 */
import type { Part, Parts } from '../../bundle/index.ts'
import { type Routes, servingOf } from '../context.ts'
import { failures } from '../schemas/failure.ts'
import { ModelInfo, ModelQuery } from '../schemas/service.ts'

export const modelRoutes: Routes = (app, context) => {
  app.get(
    '/model/info',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'modelInfo',
        tags: ['service'],
        summary: 'The model in service',
        querystring: ModelQuery,
        response: { 200: ModelInfo, ...failures(400, 404) },
      },
    },
    (request) => {
      const { variant = 'champion' } = request.query
      const slot = servingOf(context).slots[variant]
      if (!slot)
        throw Object.assign(new Error(`there is no ${variant} in service`), {
          statusCode: 404,
          code: 'NO_SUCH_MODEL',
        })
      const { manifest, parts, treeCount, goldenCount } = slot.bundle
      const { training } = manifest
      return {
        name: manifest.name,
        version: manifest.version,
        variant,
        origin: slot.origin,
        serving_since: slot.since.toISOString(),
        created: manifest.created,
        objective: manifest.objective,
        trees: treeCount,
        prediction: predictionOf(parts),
        features: [...manifest.features],
        categorical: [...manifest.categorical],
        horizon_days: manifest.horizonDays,
        lightgbm_version: manifest.lightgbmVersion,
        golden_predictions: goldenCount,
        training: {
          rows: training.rows,
          description: training.description,
          synthetic: training.synthetic,
          data_sha256: training.dataSha256,
          flagged: training.flagged.map(({ revenueShare, ...group }) => ({
            ...group,
            revenue_share: revenueShare,
          })),
          flagged_dropped: training.flaggedDropped,
        },
        metrics: manifest.metrics,
        parameters: manifest.parameters,
      }
    },
  )
}

function predictionOf({ combine, ensembles, interval }: Parts) {
  const about = ({ objective, offset, ensemble }: Part) => ({
    objective,
    offset,
    trees: ensemble.treeCount,
  })
  return {
    combine,
    ensembles: ensembles.map((part) => ({ role: part.role, ...about(part) })),
    interval: interval && { p10: about(interval.p10), p90: about(interval.p90) },
  }
}
