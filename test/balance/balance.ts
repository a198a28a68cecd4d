/**
 * Two services behind the nginx that ships, on one PostgreSQL and one Redis: one is killed and started again, and frozen, under a
 * load of requests with a key each; then one is killed under a load without keys. What failed, and what the log has.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import postgres from 'postgres'
import { untilShipped } from '../faults/storm.ts'
import { createPostgresServer, freePort } from '../postgres-server.ts'
import { createRedisServer } from '../redis-server.ts'
import { type ServiceProcess, spawnService } from '../service.ts'
import { until } from '../until.ts'
import { type Asked, predictionIdOf, startPredictions, untilCalm } from './load.ts'
import { type Nginx, startNginx } from './nginx.ts'

export interface BalanceOptions {
  readonly perSecond: number
  /** More requests are never under way. */
  readonly atOnce: number
  /** Of quiet load before, between and after the faults. */
  readonly quietS: number
  readonly kills: number
  /** Whether one of them is frozen, too. */
  readonly freezes: boolean
}

export interface BalanceResult {
  /** Requests with a key, and those of them that failed. */
  readonly keyed: number
  readonly keyedFailed: number
  /** Of them, those that nginx passed to a second service. */
  readonly passedOn: number
  /** Answers that a service had from another one. */
  readonly replays: number
  /** Requests with a key during which Redis did not answer in time. */
  readonly unguarded: number
  /** Users of requests with a key that are not in the log exactly once, or under another id than was answered. */
  readonly notLoggedOnce: number
  readonly keyless: number
  readonly keylessFailed: number
  /** Failed without having been with the killed one when it was killed, or a moment later. */
  readonly keylessFailedElsewhere: number
  /** Answered predictions of both kinds that are not in the log. */
  readonly lost: number
  /** Predictions by the statistics, less those in the table. */
  readonly miscounted: number
}

/** nginx asks another service when a request with a key has no answer for ten seconds. */
const FROZEN_MS = 11_000
/** nginx may pass a request on over a connection whose end it has not noticed yet. */
const UNNOTICED_MS = 1_000

export async function balance(options: BalanceOptions): Promise<BalanceResult> {
  const { quietS, kills, freezes } = options
  const home = mkdtempSync(join(tmpdir(), 'day7-balance-'))
  const [database, redis] = await Promise.all([createPostgresServer(), createRedisServer()])
  const ports = [await freePort(), await freePort()]
  const children = new Set<ChildProcess>()
  let nginx: Nginx | undefined
  const start = (port: number): Promise<ServiceProcess> =>
    spawnService(
      { DATA_DIR: home, DATABASE_URL: database.url, REDIS_URL: redis.url, PORT: String(port) },
      (child) => children.add(child),
    )
  const quiet = () => delay(quietS * 1000)
  try {
    const services = await Promise.all(ports.map(start))
    nginx = await startNginx(ports)

    const keyed = startPredictions(nginx.url, options, { prefix: 'keyed', isKeyed: true })
    await untilCalm(keyed)
    await quiet()
    for (let kill = 0; kill < kills; kill++) {
      const which = kill % 2
      await services[which]!.stop('SIGKILL')
      await quiet()
      services[which] = await start(ports[which]!)
      await untilUsed(nginx, ports[which]!)
    }
    if (freezes) {
      services[0]!.process.kill('SIGSTOP')
      await delay(FROZEN_MS)
      services[0]!.process.kill('SIGCONT')
      await untilUsed(nginx, ports[0]!)
    }
    await keyed.stop()
    const [replays, unguarded] = [
      await sumOf(services, 'day7_idempotent_replays_total'),
      await sumOf(services, 'day7_idempotency_unguarded_total'),
    ]

    const keyless = startPredictions(nginx.url, options, { prefix: 'keyless', isKeyed: false })
    await untilCalm(keyless)
    await quiet()
    await services[1]!.stop('SIGKILL')
    const deadMs = performance.now()
    await quiet()
    await keyless.stop()
    services[1] = await start(ports[1]!)

    await Promise.all(services.map(untilShipped))
    const failed = (asked: readonly Asked[]) => asked.filter(({ status }) => status !== 200)
    const passedTo = new Map(nginx.requests().map(({ id, upstream }) => [id, upstream]))
    const wasWithTheDead = ({ userId, sentMs }: Asked): boolean =>
      passedTo.get(userId) === `127.0.0.1:${ports[1]}` && sentMs < deadMs + UNNOTICED_MS
    return {
      keyed: keyed.asked.length,
      keyedFailed: failed(keyed.asked).length,
      passedOn: nginx.requests().filter(({ upstream, status }) => status === 200 && upstream.includes(','))
        .length,
      replays,
      unguarded,
      keyless: keyless.asked.length,
      keylessFailed: failed(keyless.asked).length,
      keylessFailedElsewhere: failed(keyless.asked).filter((one) => !wasWithTheDead(one)).length,
      ...(await compare(database.url, keyed.asked, keyless.asked)),
    }
  } finally {
    for (const child of children) child.kill('SIGKILL')
    await nginx?.stop()
    await Promise.all([database.remove(), redis.remove()])
    rmSync(home, { recursive: true, force: true })
  }
}

/** Waits until nginx passes requests to it again. */
async function untilUsed(nginx: Nginx, port: number): Promise<void> {
  const before = nginx.requests().length
  await until(`nginx uses the service on port ${port} again`, () =>
    nginx
      .requests()
      .slice(before)
      .some(({ upstream }) => upstream.endsWith(`:${port}`)),
  )
}

async function sumOf(services: readonly ServiceProcess[], metric: string): Promise<number> {
  const values = services.map(async ({ url }) => {
    const metrics = await (await fetch(`${url}/metrics`)).text()
    return Number(new RegExp(`^${metric} (\\d+)`, 'm').exec(metrics)![1])
  })
  return (await Promise.all(values)).reduce((sum, value) => sum + value, 0)
}

async function compare(
  url: string,
  keyed: readonly Asked[],
  keyless: readonly Asked[],
): Promise<Pick<BalanceResult, 'notLoggedOnce' | 'lost' | 'miscounted'>> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    const rows = await sql<{ id: string; user: string }[]>`
      select prediction_id as id, user_id as user from predictions`
    const [total] = await sql<[{ counted: string }]>`
      select sum(predictions) as counted from prediction_totals where resolution = 'day'`
    const logged = Map.groupBy(rows, ({ user }) => user)
    const ids = new Set(rows.map(({ id }) => id))
    const isAnswered = ({ status }: Asked): boolean => status === 200
    return {
      notLoggedOnce: keyed.filter((one) => {
        const [first, ...others] = logged.get(one.userId) ?? []
        return !first || others.length > 0 || (isAnswered(one) && predictionIdOf(one) !== first.id)
      }).length,
      lost: [...keyed, ...keyless].filter((one) => isAnswered(one) && !ids.has(predictionIdOf(one))).length,
      miscounted: Number(total.counted) - rows.length,
    }
  } finally {
    await sql.end()
  }
}

export function describeBalance(result: BalanceResult): string {
  return [
    `with keys: ${result.keyed} requests, failed ${result.keyedFailed}, passed on to the other service ${result.passedOn}, answered as before ${result.replays}, without Redis ${result.unguarded}, not logged once ${result.notLoggedOnce}`,
    `without: ${result.keyless} requests, failed ${result.keylessFailed}, of them not in flight on the killed one ${result.keylessFailedElsewhere}`,
    `answered and not logged ${result.lost}, miscounted ${result.miscounted}`,
  ].join('\n')
}
