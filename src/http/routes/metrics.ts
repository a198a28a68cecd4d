/**
 * `GET /metrics`: for Prometheus.
 */
import { Type } from 'typebox'
import type { Routes } from '../context.ts'
import { failuresOnly } from '../schemas/failure.ts'

export const metricsRoutes: Routes = (app, { metrics }) => {
  app.get(
    '/metrics',
    {
      config: { scope: 'metrics' },
      schema: {
        operationId: 'metrics',
        tags: ['service'],
        summary: 'Figures for Prometheus',
        produces: ['text/plain'],
        response: {
          200: Type.String({ description: 'Prometheus’s text format.' }),
          ...failuresOnly(401, 403, 503),
        },
      },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.render()),
  )
}
