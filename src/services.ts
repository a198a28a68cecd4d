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
  type ModelEvent,
  openPredictionLog,
  type PredictionLog,
  type PredictionRecord,
  type ShadowRecord,
  withoutPredictionLog,
} from './prediction-log/index.ts'
import { createMetrics, type Metrics } from './monitor/index.ts'
import { Rollout, Shadow, type ShadowScore, type Slot, type Variant } from './rollout/index.ts'

export interface Services {
  readonly rollout: Rollout
  readonly shadow: Shadow<PredictionRecord>
  readonly predictionLog: PredictionLog
  readonly metrics: Metrics
  readonly now: () => Date
  readonly newPredictionId: (time: Date) => string
}

/** @throws BundleError if a model cannot be served; a missing database is no error */
export async function openServices(config: Config, logger: LogLogger): Promise<Services> {
  const now = (): Date => new Date()
  const bundles = {
    champion: await loadBundle(config.modelDir),
    challenger: config.challengerDir === null ? null : await loadBundle(config.challengerDir),
  }
  const nextRandomBytes = randomBytesOf(UUID_BYTES)
  const predictionLog = openLog(config, now, logger)
  const rollout = new Rollout({
    traffic: config.rollout,
    now,
    onChange({ variant, slot }) {
      if (!slot) return
      announce(variant, slot, logger)
      predictionLog.recordModelEvent(servingEvent(variant, slot))
    },
  })
  rollout.place('champion', bundles.champion, config.modelDir)
  if (bundles.challenger) rollout.place('challenger', bundles.challenger, config.challengerDir!)
  const shadow = new Shadow<PredictionRecord>((scores) =>
    predictionLog.recordShadows(scores.map(shadowRecord)),
  )
  return {
    rollout,
    shadow,
    predictionLog,
    metrics: createMetrics({ log: predictionLog, rollout, shadow, now }),
    now,
    newPredictionId: (time) => uuidv7({ msecs: time.getTime(), rng: nextRandomBytes }),
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

function servingEvent(variant: Variant, { bundle, origin, since }: Slot): ModelEvent {
  return {
    eventId: uuidv7(),
    time: since,
    event: 'serving',
    variant,
    modelName: bundle.manifest.name,
    modelVersion: bundle.manifest.version,
    host: hostname(),
    detail: origin,
  }
}

function shadowRecord({ record, bundle, ...score }: ShadowScore<PredictionRecord>): ShadowRecord {
  const { predictionId, time, userId } = record
  const { name: modelName, version: modelVersion } = bundle.manifest
  return { predictionId, time, userId, modelName, modelVersion, ...score }
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
