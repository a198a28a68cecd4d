/**
 * The database takes connections and answers nothing for a while: what that does to requests, and to the memory of the service.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createPostgresServer } from '../postgres-server.ts'
import { type ServiceProcess, spawnService } from '../service.ts'
import { percentile, startLoad } from './load.ts'
import { untilShipped } from './storm.ts'

export interface FreezeResult {
  readonly failures: number
  readonly p99Ms: { readonly before: number; readonly frozen: number }
  /** Of the process, over what it was before. */
  readonly grownBytes: number
  readonly answered: number
  readonly counted: number
}

const PREDICTIONS_PER_S = 1000
/** @param warmUpS code is compiled and buffers are grown before anything is measured */
export async function freeze(seconds: number, warmUpS = 4): Promise<FreezeResult> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'day7-freeze-'))
  const server = await createPostgresServer()
  let child: ChildProcess | undefined
  try {
    const service = await spawnService(
      { DATA_DIR: dataFolder, DATABASE_URL: server.url },
      (process) => (child = process),
    )
    let answered = 0
    let failures = 0
    const loadFor = async (loadSeconds: number): Promise<number> => {
      const load = startLoad(() => service.url, PREDICTIONS_PER_S)
      await delay(loadSeconds * 1000)
      await load.stop()
      answered += load.answered.length
      failures += load.failures()
      return percentile(load.latenciesMs, 0.99)
    }
    await loadFor(warmUpS)
    const before = await loadFor(seconds)
    const memoryBefore = await residentBytes(service)
    server.freeze()
    const frozen = await loadFor(seconds)
    const grownBytes = (await residentBytes(service)) - memoryBefore
    server.thaw()
    await untilShipped(service)
    const stats = (await (await fetch(`${service.url}/stats`)).json()) as { total_predictions: number }
    return { failures, p99Ms: { before, frozen }, grownBytes, answered, counted: stats.total_predictions }
  } finally {
    child?.kill('SIGKILL')
    await server.remove()
    rmSync(dataFolder, { recursive: true, force: true })
  }
}

async function residentBytes(service: ServiceProcess): Promise<number> {
  const metrics = await (await fetch(`${service.url}/metrics`)).text()
  return Number(/^process_resident_memory_bytes (\d+)/m.exec(metrics)![1])
}
