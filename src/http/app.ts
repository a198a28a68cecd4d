/**
 * The service's table of contents: what it is made of, in the order in which a request meets it.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, { type FastifyBaseLogger, LogController } from 'fastify'
import type { App, AppContext } from './context.ts'
import { serveDocumentation } from './plugins/documentation.ts'
import { answerFailures } from './plugins/failures.ts'
import { readJsonBodies } from './plugins/json-body.ts'
import { ajvOptions, explain } from './plugins/validation.ts'
import { accuracyRoutes } from './routes/accuracy.ts'
import { adminRoutes } from './routes/admin.ts'
import { experimentRoutes } from './routes/experiments.ts'
import { healthRoutes } from './routes/health.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { modelRoutes } from './routes/model.ts'
import { outcomeRoutes } from './routes/outcomes.ts'
import { predictRoutes } from './routes/predict.ts'
import { statsRoutes } from './routes/stats.ts'
import { userRoutes } from './routes/users.ts'
import { ExplanationSchema } from './schemas/explanation.ts'
import { Failure } from './schemas/failure.ts'
import { Install, STORABLE } from './schemas/install.ts'
import { OutcomeSchema } from './schemas/outcomes.ts'

export interface AppOptions {
  /** The service's own version, for the OpenAPI document. */
  readonly version: string
  readonly bodyLimitBytes: number
  readonly logger: FastifyBaseLogger
}

/** A character of a path is up to four bytes, each of them written as three. */
const MAX_ENCODED_BYTES = 12

/** Builds the app; it neither listens nor opens anything. */
export async function createApp(context: AppContext, options: AppOptions): Promise<App> {
  const app = fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyLimitBytes,
    routerOptions: { maxParamLength: STORABLE.maxLength * MAX_ENCODED_BYTES },
    ajv: ajvOptions,
    schemaErrorFormatter: (errors, part) => new Error(explain(errors, part)),
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.decorateRequest('caller', null)
  readJsonBodies(app)
  answerFailures(app)
  app.addSchema(Install)
  app.addSchema(ExplanationSchema)
  app.addSchema(OutcomeSchema)
  app.addSchema(Failure)
  await serveDocumentation(app, options.version)
  predictRoutes(app, context)
  healthRoutes(app, context)
  modelRoutes(app, context)
  statsRoutes(app, context)
  outcomeRoutes(app, context)
  accuracyRoutes(app, context)
  experimentRoutes(app, context)
  userRoutes(app, context)
  adminRoutes(app, context)
  metricsRoutes(app, context)
  return app
}
