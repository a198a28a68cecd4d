/**
 * `GET /model/info`: what a serving model is and what it was made from. `GET /model/history`: what happened to models.
 * `GET /model/inputs`: what the champion knows of each input, for a form. `GET /model/drift`: whether installs are still like those that a
 * model learnt from.
 */
import type { Part, Parts } from '../../bundle/index.ts'
import { MIN_DRIFT_COUNT } from '../../monitor/index.ts'
import type { Slot, Variant } from '../../rollout/index.ts'
import { type AppContext, type Routes, servingOf } from '../context.ts'
import { failures } from '../schemas/failure.ts'
import { DriftAnswer, HistoryAnswer, HistoryQuery, InputsAnswer } from '../schemas/models.ts'
import { ModelInfo, ModelQuery } from '../schemas/service.ts'

const SHOWN_EVENTS = 20

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
        response: { 200: ModelInfo, ...failures(404) },
      },
    },
    (request) => {
      const { variant = 'champion' } = request.query
      const slot = slotOf(context, variant)
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

  app.get(
    '/model/history',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'modelHistory',
        tags: ['service'],
        summary: 'What happened to models',
        querystring: HistoryQuery,
        response: { 200: HistoryAnswer, ...failures() },
      },
    },
    async (request) => {
      const events = await context.predictionLog.modelEvents(Number(request.query.limit ?? SHOWN_EVENTS))
      return {
        events: events.map(({ time, modelName, modelVersion, ...event }) => ({
          ...event,
          time: time.toISOString(),
          model: modelName,
          version: modelVersion,
        })),
      }
    },
  )

  app.get(
    '/model/inputs',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'modelInputs',
        tags: ['service'],
        summary: 'What the champion knows of each input',
        response: { 200: InputsAnswer, ...failures() },
      },
    },
    () => {
      const { manifest, inputs, categories } = servingOf(context).champion.bundle
      return {
        model: { name: manifest.name, version: manifest.version },
        schema_id: inputs.id,
        target: {
          name: inputs.target.name,
          horizon_days: inputs.target.horizonDays,
          unit: inputs.target.unit,
        },
        user_id_column: inputs.userIdColumn,
        inputs: inputs.fields.map(({ name, column, kind, nullable, required, roles, ...field }) => ({
          field: name,
          column,
          kind,
          nullable,
          required,
          roles: [...roles],
          minimum: kind === 'number' ? field.minimum : null,
          maximum: kind === 'number' ? field.maximum : null,
          max_length: kind === 'text' ? field.maxLength : null,
          format: kind === 'time' ? field.format : null,
          description: field.description,
          unit: field.unit,
          example: field.example,
          known: categories.has(name) ? [...categories.get(name)!.names] : null,
        })),
      }
    },
  )

  app.get(
    '/model/drift',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'modelDrift',
        tags: ['service'],
        summary: 'Whether recent installs are still like those that the model learnt from',
        querystring: ModelQuery,
        response: { 200: DriftAnswer, ...failures(404) },
      },
    },
    (request) => {
      const { bundle } = slotOf(context, request.query.variant ?? 'champion')
      const { predictions: figures, driftWindowMs } = context.metrics
      const { count, features, predictions, unknown } = figures.driftOf(bundle)
      return {
        model: { name: bundle.manifest.name, version: bundle.manifest.version },
        window_seconds: driftWindowMs / 1000,
        predictions: count,
        min_predictions: MIN_DRIFT_COUNT,
        prediction: Number.isNaN(predictions) ? null : predictions,
        features: [...features].map(([feature, psi]) => ({ feature, psi })).toSorted((a, b) => b.psi - a.psi),
        unknown_values: unknown
          .map((each) => ({ ...each, share: each.count / count }))
          .toSorted((a, b) => b.count - a.count),
      }
    },
  )
}

/** @throws with status 404 if nothing serves there */
function slotOf(context: AppContext, variant: Variant): Slot {
  const slot = servingOf(context).slots[variant]
  if (slot) return slot
  throw Object.assign(new Error(`there is no ${variant} in service`), {
    statusCode: 404,
    code: 'NO_SUCH_MODEL',
  })
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
