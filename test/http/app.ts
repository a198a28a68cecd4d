/**
 * The app on the shipped champion, with a log that keeps its records in a list.
 */
import { pino } from 'pino'
import { loadBundle } from '../../src/bundle/index.ts'
import { type App, type AppContext, createApp } from '../../src/http/index.ts'
import { type PredictionRecord, withoutPredictionLog } from '../../src/prediction-log/index.ts'
import { createRollout } from '../../src/rollout/index.ts'

export const NOW = new Date('2026-01-02T03:04:05.678Z')

export interface TestApp {
  readonly app: App
  readonly logged: PredictionRecord[]
}

export async function appWith(context: Partial<AppContext> = {}, bodyLimitBytes = 100_000): Promise<TestApp> {
  const logged: PredictionRecord[] = []
  let ids = 0
  const app = await createApp(
    {
      rollout: createRollout(await loadBundle('artifacts/champion')),
      predictionLog: { ...withoutPredictionLog(), append: (record) => void logged.push(record) },
      now: () => NOW,
      newPredictionId: () => `00000000-0000-7000-8000-${String(ids++).padStart(12, '0')}`,
      batchMaxUsers: 5,
      ...context,
    },
    { version: '0.0.0', bodyLimitBytes, logger: pino({ level: 'silent' }) },
  )
  return { app, logged }
}
