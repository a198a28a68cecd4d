/**
 * The composition root: a Config → the services behind the HTTP face. The only place where rooms are put together.
 */
import { v4 as uuidv4 } from 'uuid'
import type { AccessControl } from '../access/index.ts'
import type { Config } from '../config/index.ts'
import { type Arms, compareAside, type Comparison } from '../experiments/index.ts'
import { MemoryCounts, Refusals, type RequestCounts, SharedCounts } from '../limits/index.ts'
import type { AnswerStore, FirstAnswers } from '../idempotency/index.ts'
import {
  type LogLogger,
  namesUnknownTo,
  openPredictionLog,
  type PredictionLog,
  type PredictionRecord,
  type ShadowRecord,
  withoutPredictionLog,
} from '../prediction-log/index.ts'
import { accessMetrics, answerMetrics, createMetrics, limitMetrics, type Metrics } from '../monitor/index.ts'
import { Rollout, Shadow, type ShadowScore, type Slot, type Variant } from '../rollout/index.ts'
import { openAccess } from './access.ts'
import { HOST, slotEvent } from './events.ts'
import { openFirstAnswers } from './first-answers.ts'
import { type Models, openModels } from './models.ts'
import { predictionIds } from './prediction-ids.ts'
import { seldom } from './seldom.ts'

/** For a log that is closed before it was used. */
const CLOSING_MS = 2_000

export interface Services {
  readonly access: AccessControl
  readonly rollout: Rollout
  readonly models: Models
  readonly shadow: Shadow<PredictionRecord>
  readonly predictionLog: PredictionLog
  readonly firstAnswers: FirstAnswers
  readonly compare: (arms: Arms) => Promise<Comparison>
  readonly metrics: Metrics
  readonly requestCounts: RequestCounts
  readonly refusals: Refusals
  readonly now: () => Date
  readonly newPredictionId: (time: Date) => string
  readonly startSpan?: StartSpan
}

/** Begins a span of a trace; what it returns ends it. */
export type StartSpan = (name: string) => (error?: unknown) => void

export interface Surroundings {
  /** Absent: there are no traces. */
  readonly startSpan?: StartSpan | undefined
  /** Where answers are remembered without Redis; absent: in this process. */
  readonly sharedAnswers?: AnswerStore | undefined
}

/**
 * @throws BundleError if the folder that is to be served holds no bundle; ConfigError if nobody could be let in. A missing database or
 * MLflow is no error.
 */
export async function openServices(
  config: Config,
  logger: LogLogger,
  { startSpan, sharedAnswers }: Surroundings = {},
): Promise<Services> {
  const now = (): Date => new Date()
  // What keeps the service from starting is said before the log opens its database, unless the keys are in it.
  let log: PredictionLog | undefined
  const openedLog = (): PredictionLog => (log ??= openLog(config, now, logger, startSpan))
  const access = await openAccess(config, () => openedLog().listKeys(), now, logger).catch(
    async (error: unknown) => {
      await log?.close(CLOSING_MS)
      throw error
    },
  )
  const predictionLog = openedLog()
  const say = seldom((error, count) =>
    logger.error({ err: error, count }, 'rollout: the challenger has no answer; the champion gives one'),
  )
  const rollout = new Rollout({
    traffic: config.rollout,
    now,
    onFallback: say,
    onChange(change) {
      if (change.slot) {
        announce(change.variant, change.slot, logger)
        warnOfLogFields(config, change.variant, change.slot, logger)
      } else logger.info({ variant: change.variant }, 'no model is in service there any more')
      predictionLog.recordModelEvent(slotEvent(change, now()))
    },
  })
  const shadow = new Shadow<PredictionRecord>(
    (scores) => predictionLog.recordShadows(scores.map(shadowRecord)),
    seldom((error, count) => logger.error({ err: error, count }, 'rollout: the challenger fails in shadow')),
  )
  const models = await openModels(config, rollout, predictionLog, now, logger).catch(
    async (error: unknown) => {
      access.close()
      await predictionLog.close(CLOSING_MS)
      throw error
    },
  )
  const requestCounts = openCounts(config, logger)
  const refusals = new Refusals()
  const firstAnswers = await openFirstAnswers(config, sharedAnswers ?? null, logger)
  return {
    access,
    rollout,
    models,
    shadow,
    predictionLog,
    firstAnswers,
    compare: compareAside,
    requestCounts,
    refusals,
    metrics: createMetrics({
      log: predictionLog,
      rollout,
      models,
      shadow,
      now,
      clock: () => performance.now(),
      random: Math.random,
      driftWindowMs: config.driftWindowMs,
      more: [
        ...accessMetrics(access),
        ...limitMetrics(refusals, requestCounts),
        ...answerMetrics(firstAnswers),
      ],
    }),
    now,
    newPredictionId: predictionIds(),
    ...(startSpan && { startSpan }),
  }
}

/** Not a fault: the next model may have them. */
function warnOfLogFields(config: Config, variant: Variant, { bundle }: Slot, logger: LogLogger): void {
  const unknown = namesUnknownTo(bundle.inputs, config.logFields)
  if (variant === 'champion' && unknown.length > 0)
    logger.warn(
      { model: bundle.manifest.name, version: bundle.manifest.version, unknown },
      'LOG_FIELDS: expected names of fields of this model, found others; they are in no prediction of it',
    )
}

function announce(variant: Variant, { bundle, origin }: Slot, logger: LogLogger): void {
  const { name, version, training } = bundle.manifest
  const model = { variant, model: name, version }
  logger.info({ ...model, origin, goldenPredictions: bundle.goldenCount }, 'model verified and in service')
  if (training.synthetic)
    logger.warn(model, 'this model is trained on synthetic data: its answers are for trying out only')
  if (training.flagged.length > 0 && !training.flaggedDropped)
    logger.warn(
      { ...model, flagged: training.flagged },
      'this model learnt from groups whose revenue looks as if it were in another unit: mistrust what it predicts for them',
    )
}

function shadowRecord({ record, bundle, ...score }: ShadowScore<PredictionRecord>): ShadowRecord {
  const { predictionId, time, userId } = record
  const { name: modelName, version: modelVersion } = bundle.manifest
  return { predictionId, time, userId, modelName, modelVersion, ...score }
}

/** Redis is asked only where there is something to count. */
function openCounts(
  { rateLimits: { perKey, perAddress }, redisUrl }: Config,
  logger: LogLogger,
): RequestCounts {
  const own = new MemoryCounts()
  return redisUrl !== null && (perKey || perAddress) ? new SharedCounts(redisUrl, own, logger) : own
}

function openLog(
  config: Config,
  now: () => Date,
  logger: LogLogger,
  startSpan: StartSpan | undefined,
): PredictionLog {
  if (config.database === 'off') return withoutPredictionLog()
  return openPredictionLog({
    dataFolder: config.dataDir,
    database: config.database,
    owner: uuidv4().slice(0, 13),
    host: HOST,
    maxBytes: config.logSpoolMaxBytes,
    fsyncMs: config.logFsyncMs,
    flushIntervalMs: config.logFlushMs,
    whenFull: config.logWhenFull,
    retentionDays: config.logRetentionDays,
    fields: config.logFields,
    now,
    logger,
    startSpan,
  })
}
