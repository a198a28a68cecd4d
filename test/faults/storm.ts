/**
 * Load while the database is killed three times and the service twice: every answered prediction must be in the database, once.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import postgres, { type Sql } from 'postgres'
import { createPostgresServer, freePort } from '../postgres-server.ts'
import { type ServiceProcess, spawnService } from '../service.ts'
import { until as comes } from '../until.ts'
import { startLoad } from './load.ts'

export interface StormResult {
  readonly answered: number
  /** Of the answered. */
  readonly logged: number
  readonly lost: number
  readonly duplicated: number
  /** Safe in the spool when a kill cut their answer off. */
  readonly unanswered: number
  /** Predictions by the statistics, less those in the table. */
  readonly miscounted: number
}

/** When, as shares of the whole time. */
const DATABASE_KILLS = [0.15, 0.4, 0.7]
const SERVICE_KILLS = [0.3, 0.8]
/** How long the database is away each time, as a share of the whole time. */
const DATABASE_AWAY = 0.07

/** @param atLeast so many answers, however long it takes after the last fault */
export async function storm(seconds: number, perSecond: number, atLeast = 0): Promise<StormResult> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'day7-storm-'))
  const server = await createPostgresServer()
  const port = await freePort()
  let service: ServiceProcess | undefined
  let child: ChildProcess | undefined
  const environment = {
    DATA_DIR: dataFolder,
    DATABASE_URL: server.url,
    PORT: String(port),
    LOG_LEVEL: 'info',
  }
  const start = async () => (service = await spawnService(environment, (process) => (child = process)))
  try {
    await start()
    const load = startLoad(() => `http://127.0.0.1:${port}`, perSecond)
    const since = performance.now()
    const until = (share: number) => delay(Math.max(0, since + share * seconds * 1000 - performance.now()))
    const killDatabase = async () => {
      await server.kill()
      await delay(DATABASE_AWAY * seconds * 1000)
      await server.start()
    }
    const killService = async () => {
      await service!.stop('SIGKILL')
      await start()
    }
    // On a slow machine a start may outlast the next moment: what is not up yet is not killed.
    const each = async (shares: readonly number[], fault: () => Promise<void>) => {
      for (const share of shares) {
        await until(share)
        await fault()
      }
    }
    await Promise.all([until(1), each(DATABASE_KILLS, killDatabase), each(SERVICE_KILLS, killService)])
    await comes('enough answers', () => load.answered.length >= atLeast)
    await load.stop()
    await untilShipped(service!)
    return await compare(postgres(server.url, { max: 1, onnotice: () => {} }), load.answered)
  } finally {
    child?.kill('SIGKILL')
    await server.remove()
    rmSync(dataFolder, { recursive: true, force: true })
  }
}

/** Everything that the processes before have left, too. */
export async function untilShipped(service: ServiceProcess): Promise<void> {
  for (let quiet = 0; quiet < 10; await delay(100)) {
    const response = await fetch(`${service.url}/health`)
    const { prediction_log: log } = (await response.json()) as {
      prediction_log: { state: string; spool_bytes: number }
    }
    quiet = log.state === 'shipping' && log.spool_bytes === 0 ? quiet + 1 : 0
  }
}

/** @param sql of the database; it is ended */
export async function compare(sql: Sql, answered: readonly string[]): Promise<StormResult> {
  try {
    const rows = await sql<{ id: string }[]>`select prediction_id as id from predictions`
    const [total] = await sql<[{ counted: string }]>`
      select sum(predictions) as counted from prediction_totals where resolution = 'day'`
    const ids = new Set(rows.map(({ id }) => id))
    const logged = answered.filter((id) => ids.has(id)).length
    return {
      answered: answered.length,
      logged,
      lost: answered.length - logged,
      duplicated: rows.length - ids.size + answered.length - new Set(answered).size,
      unanswered: ids.size - logged,
      miscounted: Number(total.counted) - rows.length,
    }
  } finally {
    await sql.end()
  }
}

export function describe({ answered, logged, lost, duplicated, unanswered }: StormResult): string {
  const cutOff = unanswered > 0 ? ` (and ${unanswered} logged whose answer a kill cut off)` : ''
  return `answered ${answered}, logged ${logged}, lost ${lost}, duplicated ${duplicated}${cutOff}`
}
