/**
 * `GET /model/history`: what happened to models. `GET /model/inputs`: what the champion knows of each input, for a form.
 */
import { COUNT_FIELDS, TEXT_FIELDS } from '../../features/index.ts'
import { type Routes, servingOf } from '../context.ts'
import { failures } from '../schemas/failure.ts'
import { HistoryAnswer, HistoryQuery, InputsAnswer } from '../schemas/models.ts'

const SHOWN_EVENTS = 20
/** Of the counts, the one that may be unknown. */
const NULLABLE_COUNT = 'event_3'

export const modelsRoutes: Routes = (app, context) => {
  app.get(
    '/model/history',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'modelHistory',
        tags: ['service'],
        summary: 'What happened to models',
        querystring: HistoryQuery,
        response: { 200: HistoryAnswer, ...failures(400) },
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
      const { manifest, categories } = servingOf(context).champion.bundle
      return {
        model: { name: manifest.name, version: manifest.version },
        inputs: [
          ...TEXT_FIELDS.map((field) => ({
            field,
            kind: 'text',
            nullable: true,
            known: categories.has(field) ? [...categories.get(field)!.names] : null,
          })),
          ...COUNT_FIELDS.map((field) => ({
            field,
            kind: 'count',
            nullable: field === NULLABLE_COUNT,
            known: null,
          })),
        ],
      }
    },
  )
}
