/**
 * The composition root: a Config → the services behind the HTTP face. The only place where rooms are put together.
 */
import { v7 as uuidv7 } from 'uuid'
import { loadBundle } from './bundle/index.ts'
import type { Config } from './config.ts'
import {
  openPredictionLog,
  type PredictionLog,
  withoutPredictionLog,
  type WriterLogger,
} from './prediction-log/index.ts'
import { createRollout, type Rollout } from './rollout/index.ts'

export interface Services {
  readonly rollout: Rollout
  readonly predictionLog: PredictionLog
  readonly now: () => Date
  readonly newPredictionId: () => string
}

/** @throws BundleError if the model cannot be served; a missing database is no error */
export async function openServices(config: Config, logger: WriterLogger): Promise<Services> {
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
  return {
    rollout: createRollout(bundle),
    predictionLog: openLog(config, logger),
    now: () => new Date(),
    newPredictionId: () => uuidv7(),
  }
}

function openLog(config: Config, logger: WriterLogger): PredictionLog {
  if (config.database === 'off') return withoutPredictionLog()
  const location = config.database === 'embedded' ? { dataFolder: config.dataDir } : config.database
  return openPredictionLog(location, {
    flushIntervalMs: config.logFlushMs,
    maxWaiting: config.logBufferMax,
    random: Math.random,
    logger,
  })
}
