/**
 * `DATABASE_URL=off`: predictions are answered and forgotten. As with a log, the answers of one turn of the event loop leave
 * together: that alone nearly doubles what a process answers.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { PredictionLog } from './prediction-log.ts'

class LogOffError extends Error {
  readonly code = 'PREDICTION_LOG_OFF'
  override readonly name = 'LogOffError'
}

export function withoutPredictionLog(): PredictionLog {
  let turn: Promise<void> | undefined
  const refuse = async (): Promise<never> => {
    throw new LogOffError('the prediction log is switched off (DATABASE_URL=off)')
  }
  return {
    append: () => (turn ??= nextTurn().then(() => void (turn = undefined))),
    recordShadows: () => {},
    recordModelEvent: () => {},
    keepModelEvent: refuse,
    statistics: refuse,
    recent: refuse,
    modelEvents: refuse,
    accuracy: refuse,
    experiment: refuse,
    trainingDays: refuse,
    trainingRows: refuse,
    cohorts: refuse,
    recordSpend: refuse,
    recordOutcomes: refuse,
    eraseUsers: refuse,
    listKeys: refuse,
    splits: { adopt: refuse, latest: refuse, keep: refuse },
    status: () => ({
      state: 'off',
      shipped: 0,
      quarantined: 0,
      erased: 0,
      breaker: 'closed',
      failures: 0,
      shipments: { count: 0, seconds: 0 },
      lastError: null,
      spool: {
        bytes: 0,
        segments: 0,
        oldestMs: null,
        error: null,
        stranded: { segments: 0, bytes: 0, error: null },
      },
      spooled: 0,
      dropped: 0,
      clockOffsetMs: null,
    }),
    close: async () => {},
  }
}
