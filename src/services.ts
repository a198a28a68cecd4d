/**
 * The composition root: a Config → the services behind the HTTP face. The only place where rooms are put together.
 */
import { randomFillSync } from 'node:crypto'
import { hostname } from 'node:os'
import { v4 as uuidv4, v7 as uuidv7 } from 'uuid'
import { loadBundle } from './bundle/index.ts'
import type { Config } from './config.ts'
import {
  type LogLogger,
  openPredictionLog,
  type PredictionLog,
  withoutPredictionLog,
} from './prediction-log/index.ts'
import { createMetrics, type Metrics } from './monitor/index.ts'
import { createRollout, type Rollout } from './rollout/index.ts'

export interface Services {
  readonly rollout: Rollout
  readonly predictionLog: PredictionLog
  readonly metrics: Metrics
  readonly now: () => Date
  readonly newPredictionId: (time: Date) => string
}

/** @throws BundleError if the model cannot be served; a missing database is no error */
export async function openServices(config: Config, logger: LogLogger): Promise<Services> {
  const bundle = await loadBundle(config.modelDir)
  const { name, version, training } = bundle.manifest
  logger.info({ model: name, version, goldenPredictions: bundle.goldenCount }, 'model loaded and verified')
  if (training.synthetic)
    logger.warn(
      { model: name, version },
      'this model is trained on synthetic data: its answers are for trying out only',
    )
  if (training.flagged.length > 0 && !training.flaggedDropped)
    logger.warn(
      { model: name, version, flagged: training.flagged },
      'this model learnt from groups whose revenue looks as if it were in another unit: mistrust what it predicts for them',
    )
  const now = (): Date => new Date()
  const nextRandomBytes = randomBytesOf(UUID_BYTES)
  const predictionLog = openLog(config, now, logger)
  predictionLog.recordModelEvent({
    eventId: uuidv7(),
    time: now(),
    event: 'serving',
    variant: 'champion',
    modelName: name,
    modelVersion: version,
    host: hostname(),
    detail: null,
  })
  return {
    rollout: createRollout(bundle),
    predictionLog,
    metrics: createMetrics(predictionLog, now),
    now,
    newPredictionId: (time) => uuidv7({ msecs: time.getTime(), rng: nextRandomBytes }),
  }
}

const UUID_BYTES = 16
const RANDOM_POOL_BYTES = 64 * 1024

/** Asks the operating system for random bytes a thousand times less often: a call costs more than a prediction. */
function randomBytesOf(size: number): () => Uint8Array {
  const pool = new Uint8Array(RANDOM_POOL_BYTES)
  let used = pool.length
  return () => {
    if (used + size > pool.length) {
      randomFillSync(pool)
      used = 0
    }
    return pool.subarray(used, (used += size))
  }
}

function openLog(config: Config, now: () => Date, logger: LogLogger): PredictionLog {
  if (config.database === 'off') return withoutPredictionLog()
  return openPredictionLog({
    dataFolder: config.dataDir,
    database: config.database,
    owner: uuidv4().slice(0, 13),
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
