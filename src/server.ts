/**
 * The process: configuration → services → app → listen → close. What prevents the start is said in one line, with exit code 1
 * (2 for a wrong configuration).
 */
import closeWithGrace from 'close-with-grace'
import { type Logger, pino } from 'pino'
import { type Config, ConfigError, readConfig } from './config/index.ts'
import { type App, createApp } from './http/index.ts'
import { openServices, type Services } from './services/index.ts'
import { VERSION } from './version.ts'

export async function serve(config: Config): Promise<void> {
  const logger = pino({ level: config.logLevel })
  const { app, services } = await buildApp(config, logger)
  await app.listen({ host: config.host, port: config.port })

  closeWithGrace({ delay: config.shutdownGraceMs + CLOSING_MARGIN_MS, logger }, async ({ signal, err }) => {
    if (err) logger.fatal({ err }, 'stopping after a fault')
    else logger.info({ signal }, 'stopping')
    const deadline = performance.now() + config.shutdownGraceMs
    await closeApp(app, config.shutdownGraceMs / 2) // first, so that the log has all that was answered
    await services.models.close()
    await services.predictionLog.close(Math.max(0, deadline - performance.now() - EXIT_MARGIN_MS))
  })
}

/** The app with all that it stands on; it does not listen yet. */
export async function buildApp(config: Config, logger: Logger): Promise<{ app: App; services: Services }> {
  const services = await openServices(config, logger)
  const app = await createApp(
    { ...services, batchMaxUsers: config.batchMaxUsers, explainMaxUsers: config.explainMaxUsers },
    { version: VERSION, bodyLimitBytes: config.bodyLimitBytes, logger },
  )
  return { app, services }
}

/** Open requests are answered; connections whose request does not end in time are cut. */
async function closeApp(app: App, graceMs: number): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), graceMs)
  await app.close()
  clearTimeout(timer)
}

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
