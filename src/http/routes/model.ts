/**
 * `GET /model/info`: what the serving model is and what it was made from.
 */
import type { Routes } from '../context.ts'
import { ModelInfo } from '../schemas/service.ts'

export const modelRoutes: Routes = (app, context) => {
  app.get(
    '/model/info',
    {
      schema: {
        operationId: 'modelInfo',
        tags: ['service'],
        summary: 'The model in service',
        response: { 200: ModelInfo },
      },
    },
    () => {
      const { bundle, variant } = context.rollout.assign()
      const { manifest, ensemble, goldenCount } = bundle
      const { training } = manifest
      return {
        name: manifest.name,
        version: manifest.version,
        variant,
        created: manifest.created,
        objective: manifest.objective,
        trees: ensemble.treeCount,
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
