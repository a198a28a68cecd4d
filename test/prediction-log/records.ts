/**
 * Records for tests of the log.
 */
import { v7 as uuidv7 } from 'uuid'
import type { PredictionRecord } from '../../src/prediction-log/index.ts'
import { NINE_FIELDS } from '../../src/inputs/index.ts'
import { EXAMPLE, rowOf } from '../example.ts'

/** A record, and its inputs by their names. */
export type TestRecord = PredictionRecord & {
  readonly install: { readonly [Field in keyof typeof EXAMPLE]: (typeof EXAMPLE)[Field] | null }
}

export function recordOf(overrides: Partial<TestRecord> = {}): TestRecord {
  const { time = new Date('2026-01-02T03:04:05.678Z'), install = EXAMPLE } = overrides
  return {
    predictionId: uuidv7({ msecs: time.getTime() }),
    time,
    userId: 'player 1',
    install,
    inputs: NINE_FIELDS,
    row: rowOf(install),
    predictedRevenue: 0.25,
    rawScore: -1.3862943611198906,
    inferenceTimeUs: 12,
    modelName: 'day7-revenue',
    modelVersion: '1',
    variant: 'champion',
    ...overrides,
  }
}
