/**
 * The process: configuration → services → app → listen → close; or, with several workers, what starts and ends them. What
 * prevents the start is said in one line, with exit code 1 (2 for a wrong configuration).
 */
import cluster from 'node:cluster'
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import { type Logger, pino } from 'pino'
import { type Config, ConfigError, readConfig } from './config/index.ts'
import { type App, createApp, Lifecycle, REDACTED } from './http/index.ts'
import { addCounters, renderFigures, workerFigures } from './monitor/index.ts'
import { freshSettings, linkToPrimary, LogOutput, Supervisor, type WorkerLink } from './processes/index.ts'
import {
  answerMemory,
  keepMemoryUsageReadable,
  openFileLimit,
  openFilesFor,
  openServices,
  type Services,
} from './services/index.ts'
import type { Tracing } from './tracing/index.ts'
import { VERSION } from './version.ts'

export async function serve(config: Config): Promise<void> {
  const output = new LogOutput(process.stdout, {
    // Where each request has a line, to write it at once would cost more than the answers.
    gatherBytes: config.logRequests === 'all' ? GATHERED_BYTES : 0,
    maxWaitingBytes: MOST_WAITING_BYTES,
  })
  const logger = createLogger(config, output)
  const link = linkToPrimary()
  if (config.workers > 1 && link === null) await supervise(config, logger, output)
  else
    await answer(config, logger, output, link).catch((error: unknown) => {
      link?.hangUp()
      throw error
    })
}

/** @param link null in a process of its own */
async function answer(
  wanted: Config,
  logger: Logger,
  output: LogOutput,
  link: WorkerLink | null,
): Promise<void> {
  keepMemoryUsageReadable()
  const config = withinOpenFiles(wanted, logger)
  const tracing = await tracingOf(config, logger)
  const { app, services, lifecycle } = await buildApp(config, logger, { tracing, link })
  lifecycle.attach(app)
  if (link) await untilOpened(services)
  await app.listen({ host: config.host, port: config.port }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error
    throw new Error(`PORT: expected a free port of ${config.host}, ${config.port} is taken`, { cause: error })
  })

  let isClosing = false
  let retires = false
  const delay = config.shutdownDrainMs + config.shutdownGraceMs + CLOSING_MARGIN_MS
  const closing = closeWithGrace({ delay, logger, skip: link ? ['SIGHUP'] : [] }, async ({ signal, err }) => {
    isClosing = true
    if (err) logger.fatal({ err }, 'stopping after a fault')
    else logger.info({ signal }, 'stopping')
    if (!err && !retires) await lifecycle.drain(config.shutdownDrainMs)
    const deadline = performance.now() + config.shutdownGraceMs
    const leftMs = (): number => Math.max(0, deadline - performance.now() - EXIT_MARGIN_MS)
    await lifecycle.leave(app, retires, config.shutdownGraceMs / 2) // first, so that the log has all that was answered
    services.access.close()
    await services.models.close()
    services.requestCounts.close()
    await services.predictionLog.close(leftMs())
    await services.firstAnswers.close()
    await tracing?.close(leftMs())
    await link?.sayLastFigures()
    await output.flush(LAST_LINES_MS)
  })
  if (!link) return
  process.on('SIGHUP', () => {}) // a terminal sends it to all its processes; it is meant for the primary
  link.onLeave((othersStay) => {
    if (isClosing) return
    retires = othersStay
    closing.close()
  })
  link.sayReady()
}

/** Starts workers, which do as `answer` does, and ends when they have ended. */
async function supervise(config: Config, logger: Logger, output: LogOutput): Promise<void> {
  const fresh = freshSettings(process.execArgv, process.env)
  const endWithinMs = config.shutdownDrainMs + config.shutdownGraceMs + CLOSING_MARGIN_MS
  const supervisor = new Supervisor({
    workers: config.workers,
    fork: () => cluster.fork(fresh),
    endWithinMs,
    figures: (counts) => ({ own: () => workerFigures(counts), addCounters }),
    shared: answerMemory(config),
    logger,
  })
  process.on('SIGHUP', () => void supervisor.roll())
  const delay = endWithinMs + CLOSING_MARGIN_MS
  const closing = closeWithGrace({ delay, logger, skip: ['SIGHUP'] }, async ({ signal, err }) => {
    if (err) logger.fatal({ err }, 'stopping all workers after a fault')
    else logger.info({ signal }, 'stopping all workers')
    await supervisor.stop()
    await output.flush(LAST_LINES_MS)
  })
  try {
    await supervisor.start()
  } catch (error) {
    closing.uninstall() // it would end the process well
    throw error
  }
}

interface Surroundings {
  readonly tracing?: Tracing | undefined
  /** Null in a process of its own. */
  readonly link?: WorkerLink | null
}

/** The app with all that it stands on; it does not listen yet. */
export async function buildApp(
  config: Config,
  logger: Logger,
  { tracing, link = null }: Surroundings = {},
): Promise<{ app: App; services: Services; lifecycle: Lifecycle }> {
  const services = await openServices(config, logger, {
    startSpan: tracing?.startSpan,
    sharedAnswers: link?.shared,
  })
  const lifecycle = new Lifecycle()
  const { render, figures } = services.metrics
  link?.tellFigures(figures)
  const app = await createApp(
    {
      ...services,
      lifecycle,
      metrics: {
        ...services.metrics,
        render: link ? async () => renderFigures(await link.allFigures()) : render,
      },
      batchMaxUsers: config.batchMaxUsers,
      explainMaxUsers: config.explainMaxUsers,
      liveStreamsPerCaller: config.liveStreamsPerCaller,
      idempotencyMaxBytes: config.idempotencyMaxBytes,
      streams: {
        lineBytes: config.streamLineBytes,
        idleMs: config.streamIdleMs,
        spoolBytes: config.logSpoolMaxBytes / 2,
      },
    },
    {
      version: VERSION,
      bodyLimitBytes: config.bodyLimitBytes,
      limits: config,
      logger,
      requestLog: { mode: config.logRequests, perSecond: config.logRequestsPerSecond },
      ...(tracing && { tracing }),
    },
  )
  return { app, services, lifecycle }
}

/** Takes no more connections than there are file descriptors for. */
function withinOpenFiles(config: Config, logger: Logger): Config {
  const { expected, actual, maxConnections } = openFilesFor(config.connections.max, openFileLimit())
  if (maxConnections === config.connections.max) return config
  logger.warn(
    { expected, actual, maxConnections },
    `open files: expected a limit of at least ${expected} for MAX_CONNECTIONS=${config.connections.max}, got ${actual}; at most ${maxConnections} connections are taken at a time`,
  )
  return { ...config, connections: { ...config.connections, max: maxConnections } }
}

/** A worker is asked for the readiness of all: it listens when its log has made its first attempt at the database. */
async function untilOpened({ predictionLog }: Services): Promise<void> {
  const latestMs = performance.now() + OPENED_WITHIN_MS
  while (predictionLog.status().state === 'connecting' && performance.now() < latestMs)
    await pause(OPENED_LOOK_EVERY_MS)
}

function createLogger({ logLevel }: Config, output: LogOutput): Logger {
  return pino({ level: logLevel, redact: { paths: [...REDACTED], censor: '[redacted]' } }, output)
}

/** Half a second of loading that a service without a collector need not spend. */
async function tracingOf({ tracing }: Config, logger: Logger): Promise<Tracing | undefined> {
  if (!tracing) return undefined
  const { startTracing } = await import('./tracing/index.ts')
  return startTracing(tracing, VERSION, logger)
}

const GATHERED_BYTES = 2 ** 13
/** What cannot be written in time is dropped, before it fills the memory. */
const MOST_WAITING_BYTES = 2 ** 24
/** For a reader of the log that is slow; one that stands still is not waited for. */
const LAST_LINES_MS = 500
/** What is left of the grace for the process to end in. */
const EXIT_MARGIN_MS = 200
/** A process that does not end by itself is ended, with exit code 1. */
const CLOSING_MARGIN_MS = 5_000
const OPENED_WITHIN_MS = 10_000
const OPENED_LOOK_EVERY_MS = 10

if (import.meta.main) {
  try {
    await serve(readConfig(process.env, (path) => readFileSync(path, 'utf8')))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(error instanceof ConfigError ? 2 : 1)
  }
}
