/**
 * First answers in a Redis that several processes share. One that is away throws at once; nothing is sent to it later.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { AnswerStore } from './store.ts'

export interface RedisStoreOptions {
  readonly url: string
  readonly ttlS: number
  /** Is told of every connection that fails or is lost. */
  readonly onFault: (error: Error) => void
}

const POLICY = {
  /** Nobody waits for so long; but what is never answered must be forgotten. */
  commandTimeoutMs: 10_000,
  connectTimeoutMs: 2_000,
  /** At the start: an answer before there is a connection would be one without the guarantee. */
  startWaitMs: 2_000,
  greatestReconnectPauseMs: 1_000,
}

/** The number goes up when what is kept changes its form. */
const PREFIX = 'day7:first-answer:1:'
/** A value may be gone between two commands, but not always. */
const ATTEMPTS = 3

/** Resolves when Redis answers, and also when it does not. */
export async function openRedisStore({ url, ttlS, onFault }: RedisStoreOptions): Promise<AnswerStore> {
  const redis = new Redis(url, {
    connectionName: 'day7',
    connectTimeout: POLICY.connectTimeoutMs,
    commandTimeout: POLICY.commandTimeoutMs,
    // A command that is sent again later would be one that nobody waits for.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 100, POLICY.greatestReconnectPauseMs),
  })
  redis.on('error', onFault)
  await ready(redis)
  return {
    isExposed: true,
    async keep(name, value) {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        if (await redis.set(PREFIX + name, value, 'EX', ttlS, 'NX')) return null
        const first = await redis.getBuffer(PREFIX + name)
        if (first) return first
      }
      throw new Error('Redis neither keeps a value nor has one')
    },
    find: (name) => redis.getBuffer(PREFIX + name),
    close: async () => redis.disconnect(),
  }
}

async function ready(redis: Redis): Promise<void> {
  const stop = new AbortController()
  const connected = new Promise<void>((resolve) => redis.once('ready', resolve))
  await Promise.race([
    connected,
    delay(POLICY.startWaitMs, undefined, { signal: stop.signal }).catch(() => {}),
  ])
  stop.abort()
}
