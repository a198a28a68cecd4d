/**
 * `GET /accuracy`: predictions against the revenue that came.
 */
import { ACCURACY_GROUPS, type AccuracyFigures } from '../../prediction-log/index.ts'
import { facetsInService, type Routes } from '../context.ts'
import { describe } from '../plugins/validation.ts'
import { failures } from '../schemas/failure.ts'
import { AccuracyAnswer, AccuracyQuerystring, DEFAULT_WINDOW } from '../schemas/outcomes.ts'

export const accuracyRoutes: Routes = (app, context) => {
  app.get(
    '/accuracy',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'accuracy',
        tags: ['outcomes'],
        summary: 'How good the predictions were whose revenue is known',
        querystring: AccuracyQuerystring,
        response: { 200: AccuracyAnswer, ...failures() },
      },
    },
    async (request) => {
      const { window = DEFAULT_WINDOW, by = null } = request.query
      const days = Number.parseInt(window, 10)
      const known = [...new Set([...ACCURACY_GROUPS, ...facetsInService(context)])]
      if (by !== null && !known.includes(by))
        throw Object.assign(new Error(`by: expected one of ${known.join(', ')}, got ${describe(by)}`), {
          statusCode: 400,
          code: 'GROUP_INVALID',
        })
      const { from, overall, groups } = await context.predictionLog.accuracy({ days, by, now: context.now() })
      return {
        window,
        from: from.toISOString(),
        by,
        overall: toWire(overall),
        groups: groups?.map((group) => ({ value: group.value, ...toWire(group) })) ?? null,
      }
    },
  )
}

function toWire({ matured, mae, rmse, biasRatio, normalisedGini }: AccuracyFigures) {
  return { matured, mae, rmse, bias_ratio: biasRatio, normalised_gini: normalisedGini }
}
