/**
 * Counts in Redis, which all processes share. Where Redis is away, slow or full, each process counts for itself: a request is never
 * refused for that, and waits for Redis 100 ms at most.
 *
 * `connecting` → `shared` ⇄ `away`. Only in `shared` is Redis asked for a request; while it is `away` a probe a second looks whether
 * it is back.
 */
import { Redis } from 'ioredis'
import type { Count, RequestCounts, SharedState } from './counts.ts'
import type { MemoryCounts } from './memory-counts.ts'

export interface LimitsLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

const COMMAND_TIMEOUT_MS = 100
/** ioredis has no code for it. */
const TIMED_OUT = 'Command timed out'
const CONNECT_TIMEOUT_MS = 2_000
const PROBE_INTERVAL_MS = 1_000
const MAX_RECONNECT_PAUSE_MS = 5_000
const KEY_PREFIX = 'day7:requests:'

/** A window begins with its first request; a key without an end, which is not ours, would never be free again. */
const ADD = `
local current = redis.call('INCR', KEYS[1])
local ttl = redis.call('PTTL', KEYS[1])
if ttl < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  ttl = tonumber(ARGV[1])
end
return {current, ttl}`

interface WithAdd {
  day7Add(key: string, windowMs: number): Promise<[number, number]>
}

export class SharedCounts implements RequestCounts {
  readonly #redis: Redis & WithAdd
  readonly #own: MemoryCounts
  readonly #logger: LimitsLogger
  #state: SharedState = 'connecting'
  #probing: NodeJS.Timeout | undefined
  #isDoubted = false

  /** @param own counts while Redis cannot */
  constructor(url: string, own: MemoryCounts, logger: LimitsLogger, commandTimeoutMs = COMMAND_TIMEOUT_MS) {
    this.#own = own
    this.#logger = logger
    this.#redis = new Redis(url, {
      keyPrefix: KEY_PREFIX,
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: commandTimeoutMs,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      retryStrategy: (times) => Math.min(100 * 2 ** Math.min(times, 10), MAX_RECONNECT_PAUSE_MS),
      scripts: { day7Add: { lua: ADD, numberOfKeys: 1 } },
    }) as Redis & WithAdd
    this.#redis.on('error', (error: Error) => this.#lose(error))
    this.#redis.on('close', () => this.#lose(new Error('the connection was closed')))
    this.#redis.on('ready', () => void this.#probe())
  }

  add(key: string, windowMs: number): Count | Promise<Count> {
    if (this.#state !== 'shared') return this.#own.add(key, windowMs)
    return this.#redis.day7Add(key, windowMs).then(
      ([current, ttl]) => ({ current, ttl }),
      (error: Error) => {
        // It may be us who were late: another task held up the event loop.
        if (error.message === TIMED_OUT) this.#doubt()
        else this.#lose(error)
        return this.#own.add(key, windowMs)
      },
    )
  }

  sharedState(): SharedState {
    return this.#state
  }

  close(): void {
    clearInterval(this.#probing)
    this.#state = 'off'
    this.#redis.disconnect()
  }

  /** Two late answers in a row are one too many. */
  #doubt(): void {
    if (this.#isDoubted) return
    this.#isDoubted = true
    void this.#probe().finally(() => (this.#isDoubted = false))
  }

  #lose(error: Error): void {
    if (this.#state === 'away' || this.#state === 'off') return
    this.#state = 'away'
    this.#logger.warn(
      { reason: (error as NodeJS.ErrnoException).code ?? error.message },
      'limits: Redis is away; each process counts requests for itself',
    )
    this.#probing = setInterval(() => void this.#probe(), PROBE_INTERVAL_MS).unref()
  }

  /** Counts, since a server that is full or only a replica answers pings; and one that stands still keeps its connections. */
  async #probe(): Promise<void> {
    if (this.#redis.status !== 'ready') return
    await this.#redis.day7Add('probe', PROBE_INTERVAL_MS).then(
      () => this.#find(),
      (error: Error) => this.#lose(error),
    )
  }

  #find(): void {
    if (this.#state === 'shared' || this.#state === 'off') return
    clearInterval(this.#probing)
    this.#state = 'shared'
    this.#logger.info({}, 'limits: requests are counted in Redis')
  }
}
