/**
 * The service's table of contents: what it is made of, in the order in which a request meets it.
 */
import { randomUUID } from 'node:crypto'
import { fastifySSE } from '@fastify/sse'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, { type FastifyBaseLogger, LogController } from 'fastify'
import type { IntakeClock } from '../limits/index.ts'
import type { App, AppContext } from './context.ts'
import { Intakes } from './intake.ts'
import { guardRoutes } from './plugins/access.ts'
import { type ConnectionLimits, connectionOptions, limitConnections } from './plugins/connections.ts'
import { serveDashboard } from './plugins/dashboard.ts'
import { serveDocumentation } from './plugins/documentation.ts'
import { answerError, answerFailures } from './plugins/failures.ts'
import { expectKnownHosts } from './plugins/hosts.ts'
import { readJsonBodies } from './plugins/json-body.ts'
import { refuseWithoutRoute } from './plugins/no-route.ts'
import { observeRequests } from './plugins/observation.ts'
import { limitRates, type RateLimits } from './plugins/rate-limits.ts'
import { requestIds } from './plugins/request-id.ts'
import type { RequestLogOptions } from './plugins/request-log.ts'
import { type BrowserPolicy, sendSecurityHeaders, shareWithPages } from './plugins/security-headers.ts'
import { sharedSerializers } from './plugins/serializers.ts'
import { shedLoad } from './plugins/shedding.ts'
import { type RequestTracing, traceRequests } from './plugins/tracing.ts'
import { ajvOptions, explain, refuseUnknownParameters } from './plugins/validation.ts'
import { accuracyRoutes } from './routes/accuracy.ts'
import { adminRoutes } from './routes/admin.ts'
import { cohortRoutes } from './routes/cohorts.ts'
import { experimentRoutes } from './routes/experiments.ts'
import { healthRoutes } from './routes/health.ts'
import { inferenceRoutes } from './routes/inference.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { modelRoutes } from './routes/model.ts'
import { outcomeRoutes } from './routes/outcomes.ts'
import { predictRoutes } from './routes/predict.ts'
import { recentRoutes } from './routes/recent.ts'
import { scoringRoutes } from './routes/scoring.ts'
import { statsRoutes } from './routes/stats.ts'
import { trainingDataRoutes } from './routes/training-data.ts'
import { userRoutes } from './routes/users.ts'
import { SpendSchema } from './schemas/cohorts.ts'
import { ExplanationSchema } from './schemas/explanation.ts'
import { Failure } from './schemas/failure.ts'
import { Install, STORABLE } from './schemas/install.ts'
import { OutcomeSchema } from './schemas/outcomes.ts'
import { readStreams } from './streams/index.ts'

export interface AppOptions {
  /** The service's own version, for the OpenAPI document. */
  readonly version: string
  readonly bodyLimitBytes: number
  readonly limits: Limits
  readonly logger: FastifyBaseLogger
  /** Absent: requests get no lines in the log. */
  readonly requestLog?: RequestLogOptions
  /** Absent: there are no traces. */
  readonly tracing?: RequestTracing
}

export interface Limits {
  readonly connections: ConnectionLimits
  /** Networks whose X-Forwarded-For is believed, or how many proxies there are. */
  readonly trustProxy: readonly string[] | number
  readonly rateLimits: RateLimits
  /** 0: nothing is shed. */
  readonly shedEventLoopDelayMs: number
  /** Of the turns of the event loop; absent: its own. */
  readonly intakeClock?: IntakeClock
  readonly browsers: BrowserPolicy & { readonly allowedHosts: readonly string[] | '*' }
  /** Where the service listens. */
  readonly host: string
}

/** A character of a path is up to four bytes, each of them written as three. */
const MAX_ENCODED_BYTES = 12

/** Builds the app; it neither listens nor opens anything. */
export async function createApp(context: AppContext, options: AppOptions): Promise<App> {
  const { limits } = options
  const app = fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIds(randomUUID().slice(0, 8)),
    bodyLimit: options.bodyLimitBytes,
    ...connectionOptions(limits.connections, limits.trustProxy),
    // What still comes on open connections is answered: see lifecycle.ts.
    return503OnClosing: false,
    routerOptions: { maxParamLength: STORABLE.maxLength * MAX_ENCODED_BYTES },
    ajv: ajvOptions,
    schemaController: { compilersFactory: sharedSerializers() },
    schemaErrorFormatter: (errors, part) => new Error(explain(errors, part)),
    frameworkErrors: answerError,
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.decorateRequest('caller', null)
  app.decorate('intakes', new Intakes())
  readInstalls(app, context)
  if (options.tracing) await traceRequests(app, options.tracing)
  observeRequests(app, context.metrics, options.requestLog, options.tracing?.traceIdOf)
  limitConnections(app, limits.connections, options.bodyLimitBytes)
  readJsonBodies(app)
  readStreams(app)
  answerFailures(app)
  await shareWithPages(app, limits.browsers)
  await shedLoad(app, context.refusals, limits.shedEventLoopDelayMs, limits.intakeClock)
  await sendSecurityHeaders(app, limits.browsers)
  await limitRates(app, context.requestCounts, context.refusals, limits.rateLimits) // before access control
  expectKnownHosts(app, context.access, { ...limits.browsers, host: limits.host })
  guardRoutes(app, context.access)
  refuseWithoutRoute(app)
  refuseUnknownParameters(app)
  app.addSchema(Install)
  app.addSchema(ExplanationSchema)
  app.addSchema(OutcomeSchema)
  app.addSchema(SpendSchema)
  app.addSchema(Failure)
  await serveDocumentation(app, options.version, () => context.rollout.current()?.inputs ?? null)
  await serveDashboard(app)
  await app.register(fastifySSE)
  predictRoutes(app, context)
  healthRoutes(app, context)
  modelRoutes(app, context)
  statsRoutes(app, context)
  recentRoutes(app, context)
  outcomeRoutes(app, context)
  accuracyRoutes(app, context)
  cohortRoutes(app, context)
  experimentRoutes(app, context)
  trainingDataRoutes(app, context)
  userRoutes(app, context)
  adminRoutes(app, context)
  metricsRoutes(app, context)
  scoringRoutes(app, context, options.version)
  inferenceRoutes(app, context, options.version)
  return app
}

/** What models take is compiled before their first request. */
function readInstalls(app: App, { rollout }: AppContext): void {
  const prepare = (): void => {
    const serving = rollout.current()
    if (!serving) return
    app.intakes.of(serving)
    for (const slot of Object.values(serving.slots))
      if (slot) app.intakes.of({ inputs: slot.bundle.inputs, otherInputs: null })
  }
  app.addHook('onReady', async () => {
    prepare()
    rollout.watch?.(prepare)
  })
}
