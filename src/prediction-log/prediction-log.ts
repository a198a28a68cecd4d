/**
 * The prediction log: every prediction, remembered in PostgreSQL. Opening it waits for nothing: the service answers while the
 * database is away, and the writer catches up.
 */
import { Database, type DatabaseLocation } from './database.ts'
import type { PredictionRecord } from './record.ts'
import type { Statistics } from './statistics.ts'
import { Writer, type WriterOptions, type WriterStatus } from './writer.ts'

export interface PredictionLogStatus extends Omit<WriterStatus, 'state'> {
  readonly state: WriterStatus['state'] | 'off'
}

export interface PredictionLog {
  append(record: PredictionRecord): void
  /** @throws LogUnavailableError while the database cannot be asked */
  statistics(): Promise<Statistics>
  status(): PredictionLogStatus
  close(graceMs: number): Promise<void>
}

export class LogUnavailableError extends Error {
  readonly code = 'PREDICTION_LOG_UNAVAILABLE'
  override readonly name = 'LogUnavailableError'
}

export function openPredictionLog(
  location: DatabaseLocation,
  options: Omit<WriterOptions, 'sink'>,
): PredictionLog {
  const database = new Database(location)
  const writer = new Writer({ ...options, sink: database })
  return {
    append: (record) => writer.append(record),
    status: () => writer.status(),
    close: (graceMs) => writer.close(graceMs),
    async statistics() {
      try {
        return await database.statistics()
      } catch (cause) {
        throw new LogUnavailableError('the prediction log cannot reach its database', { cause })
      }
    },
  }
}

/** `DATABASE_URL=off`: predictions are answered and forgotten. */
export function withoutPredictionLog(): PredictionLog {
  return {
    append: () => {},
    status: () => ({ state: 'off', waiting: 0, dropped: 0, lastError: null }),
    close: async () => {},
    statistics: async () => {
      throw new LogUnavailableError('the prediction log is switched off (DATABASE_URL=off)')
    },
  }
}
