/**
 * Records for tests of the log.
 */
import { v7 as uuidv7 } from 'uuid'
import type { PredictionRecord } from '../../src/prediction-log/index.ts'
import { EXAMPLE } from '../example.ts'

export function recordOf(overrides: Partial<PredictionRecord> = {}): PredictionRecord {
  const { time = new Date('2026-01-02T03:04:05.678Z') } = overrides
  return {
    predictionId: uuidv7({ msecs: time.getTime() }),
    time,
    userId: 'player 1',
    install: EXAMPLE,
    predictedRevenue: 0.25,
    rawScore: -1.3862943611198906,
    inferenceTimeUs: 12,
    modelName: 'day7-revenue',
    modelVersion: '1',
    variant: 'champion',
    ...overrides,
  }
}
