/**
 * The composition root: a Config → the services behind the HTTP face. The only place where rooms are put together.
 */
import { v4 as uuidv4 } from 'uuid'
import type { Config } from '../config/index.ts'
import { type Arms, compareAside, type Comparison } from '../experiments/index.ts'
import type { AnswerStore, FirstAnswers } from '../idempotency/index.ts'
import {
  type LogLogger,
  openPredictionLog,
  type PredictionLog,
  type PredictionRecord,
  type ShadowRecord,
  withoutPredictionLog,
} from '../prediction-log/index.ts'
import { createMetrics, type Metrics } from '../monitor/index.ts'
import { Rollout, Shadow, type ShadowScore, type Slot, type Variant } from '../rollout/index.ts'
import { HOST, slotEvent } from './events.ts'
import { openFirstAnswers } from './first-answers.ts'
import { type Models, openModels } from './models.ts'
import { predictionIds } from './prediction-ids.ts'
import { seldom } from './seldom.ts'

/** For a log that is closed before it was used. */
const CLOSING_MS = 2_000

export interface Services {
  readonly rollout: Rollout
  readonly models: Models
  readonly shadow: Shadow<PredictionRecord>
  readonly predictionLog: PredictionLog
  readonly firstAnswers: FirstAnswers
  readonly compare: (arms: Arms) => Promise<Comparison>
  readonly metrics: Metrics
  readonly now: () => Date
  readonly newPredictionId: (time: Date) => string
}

/**
 * @param sharedAnswers where answers are remembered without Redis; null: in this process
 * @throws BundleError if the folder that is to be served holds no bundle; a missing database or MLflow is no error
 */
export async function openServices(
  config: Config,
  logger: LogLogger,
  sharedAnswers: AnswerStore | null = null,
): Promise<Services> {
  const now = (): Date => new Date()
  const predictionLog = openLog(config, now, logger)
  const say = seldom((error, count) =>
    logger.error({ err: error, count }, 'rollout: the challenger has no answer; the champion gives one'),
  )
  const rollout = new Rollout({
    traffic: config.rollout,
    now,
    onFallback: say,
    onChange(change) {
      if (change.slot) announce(change.variant, change.slot, logger)
      else logger.info({ variant: change.variant }, 'no model is in service there any more')
      predictionLog.recordModelEvent(slotEvent(change, now()))
    },
  })
  const shadow = new Shadow<PredictionRecord>(
    (scores) => predictionLog.recordShadows(scores.map(shadowRecord)),
    seldom((error, count) => logger.error({ err: error, count }, 'rollout: the challenger fails in shadow')),
  )
  const models = await openModels(config, rollout, predictionLog, now, logger).catch(
    async (error: unknown) => {
      await predictionLog.close(CLOSING_MS)
      throw error
    },
  )
  const firstAnswers = await openFirstAnswers(config, sharedAnswers, logger)
  return {
    rollout,
    models,
    shadow,
    predictionLog,
    firstAnswers,
    compare: compareAside,
    metrics: createMetrics({ log: predictionLog, rollout, models, shadow, firstAnswers, now }),
    now,
    newPredictionId: predictionIds(),
  }
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

function openLog(config: Config, now: () => Date, logger: LogLogger): PredictionLog {
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
  })
}
