/**
 * A Config → where answers are remembered under their Idempotency-Key: in Redis, in a memory that the workers share, or in that
 * of this process alone.
 */
import type { Config } from '../config/index.ts'
import { type AnswerStore, FirstAnswers, memoryStore, openRedisStore } from '../idempotency/index.ts'
import type { LogLogger } from '../prediction-log/index.ts'
import { seldom } from './seldom.ts'

type Settings = Pick<Config, 'redisUrl' | 'idempotencyTtlS' | 'idempotencyMemoryBytes'>

/** @param shared null: there are no other workers */
export async function openFirstAnswers(
  config: Settings,
  shared: AnswerStore | null,
  logger: LogLogger,
): Promise<FirstAnswers> {
  const { redisUrl: url, idempotencyTtlS: ttlS } = config
  const onFault = seldom((error, count) =>
    logger.warn({ err: error, count }, 'idempotency: the connection to Redis fails'),
  )
  const store = url === null ? (shared ?? answerMemory(config)) : await openRedisStore({ url, ttlS, onFault })
  return new FirstAnswers(
    store,
    seldom((error, count) =>
      logger.error({ err: error, count }, 'idempotency: answers go without being remembered under their key'),
    ),
  )
}

export function answerMemory({ idempotencyTtlS, idempotencyMemoryBytes }: Settings): AnswerStore {
  return memoryStore({ ttlS: idempotencyTtlS, maxBytes: idempotencyMemoryBytes })
}
