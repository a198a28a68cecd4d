/**
 * The process: configuration → services → app → listen → close. What prevents the start is said in one line, with exit code 1
 * (2 for a wrong configuration).
 */
import closeWithGrace from 'close-with-grace'
import { type Logger, pino } from 'pino'
import { type Config, ConfigError, readConfig } from './config/index.ts'
import { type App, createApp, REDACTED } from './http/index.ts'
import { openServices, type Services } from './services/index.ts'
import type { Tracing } from './tracing/index.ts'
import { VERSION } from './version.ts'

export async function serve(config: Config): Promise<void> {
  const logger = createLogger(config)
  const tracing = await tracingOf(config, logger)
  const { app, services } = await buildApp(config, logger, tracing)
  await app.listen({ host: config.host, port: config.port })

  closeWithGrace({ delay: config.shutdownGraceMs + CLOSING_MARGIN_MS, logger }, async ({ signal, err }) => {
    if (err) logger.fatal({ err }, 'stopping after a fault')
    else logger.info({ signal }, 'stopping')
    const deadline = performance.now() + config.shutdownGraceMs
    await closeApp(app, config.shutdownGraceMs / 2) // first, so that the log has all that was answered
    await services.models.close()
    const leftMs = (): number => Math.max(0, deadline - performance.now() - EXIT_MARGIN_MS)
    await services.predictionLog.close(leftMs())
    await tracing?.close(leftMs())
  })
}

/** The app with all that it stands on; it does not listen yet. */
export async function buildApp(
  config: Config,
  logger: Logger,
  tracing?: Tracing,
): Promise<{ app: App; services: Services }> {
  const services = await openServices(config, logger, tracing?.startSpan)
  const app = await createApp(
    { ...services, batchMaxUsers: config.batchMaxUsers },
    {
      version: VERSION,
      bodyLimitBytes: config.bodyLimitBytes,
      logger,
      requestLog: { mode: config.logRequests, perSecond: config.logRequestsPerSecond },
      ...(tracing && { tracing }),
    },
  )
  return { app, services }
}

/**
 * Lines are written at once, so that the last one before a crash is there; where each request has one, that would cost more than the
 * answers, and they are written together.
 */
function createLogger({ logLevel, logRequests }: Config): Logger {
  const options = { level: logLevel, redact: { paths: [...REDACTED], censor: '[redacted]' } }
  return logRequests === 'all' ? pino(options, pino.destination(WRITTEN_TOGETHER)) : pino(options)
}

/** Half a second of loading that a service without a collector need not spend. */
async function tracingOf({ tracing }: Config, logger: Logger): Promise<Tracing | undefined> {
  if (!tracing) return undefined
  const { startTracing } = await import('./tracing/index.ts')
  return startTracing(tracing, VERSION, logger)
}

/** Open requests are answered; connections whose request does not end in time are cut. */
async function closeApp(app: App, graceMs: number): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), graceMs)
  await app.close()
  clearTimeout(timer)
}

/** What cannot be written in time is dropped, before it fills the memory. */
const WRITTEN_TOGETHER = { sync: false, minLength: 2 ** 13, maxLength: 2 ** 26, periodicFlush: 1000 }
/** What is left of the grace for the process to end in. */
const EXIT_MARGIN_MS = 200
/** A process that does not end by itself is ended, with exit code 1. */
const CLOSING_MARGIN_MS = 5_000

if (import.meta.main) {
  try {
    await serve(readConfig(process.env))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(error instanceof ConfigError ? 2 : 1)
  }
}
