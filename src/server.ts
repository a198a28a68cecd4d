/**
 * The process: configuration → services → app → listen → close. What prevents the start is said in one line, with exit code 1
 * (2 for a wrong configuration).
 */
import closeWithGrace from 'close-with-grace'
import { type Logger, pino } from 'pino'
import { type Config, ConfigError, readConfig } from './config.ts'
import { type App, createApp } from './http/index.ts'
import { openServices, type Services } from './services.ts'
import { VERSION } from './version.ts'

export async function serve(config: Config): Promise<void> {
  const logger = pino({ level: config.logLevel })
  const { app, services } = await buildApp(config, logger)
  await app.listen({ host: config.host, port: config.port })

  closeWithGrace({ delay: config.shutdownGraceMs + CLOSING_MARGIN_MS, logger }, async ({ signal, err }) => {
    if (err) logger.fatal({ err }, 'stopping after a fault')
    else logger.info({ signal }, 'stopping')
    await app.close() // open requests are answered first, so that the log has them all
    await services.predictionLog.close(config.shutdownGraceMs)
  })
}

/** The app with all that it stands on; it does not listen yet. */
export async function buildApp(config: Config, logger: Logger): Promise<{ app: App; services: Services }> {
  const services = await openServices(config, logger)
  const app = await createApp(
    { ...services, batchMaxUsers: config.batchMaxUsers },
    { version: VERSION, bodyLimitBytes: config.bodyLimitBytes, logger },
  )
  return { app, services }
}

/** Closing the database client and the embedded server takes a moment beyond the grace itself. */
const CLOSING_MARGIN_MS = 6_000

if (import.meta.main) {
  try {
    await serve(readConfig(process.env))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(error instanceof ConfigError ? 2 : 1)
  }
}
