/**
 * The champion's alias moves in MLflow again and again while requests come: what that does to them, and to the memory of the service.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { loadBundle } from '../../src/bundle/index.ts'
import { createMlflowClient } from '../../src/mlflow/index.ts'
import { publishBundle } from '../../src/registry/index.ts'
import { deriveBundle } from '../derived-bundle.ts'
import { EXAMPLE_ROW } from '../example.ts'
import { createMlflowServer } from '../mlflow-server.ts'
import { createPostgresServer } from '../postgres-server.ts'
import { type ServiceProcess, spawnService } from '../service.ts'
import { percentile, startLoad } from './load.ts'

export interface SwapsResult {
  readonly swaps: number
  readonly answered: number
  readonly failures: number
  /** Answers that no single version gives. */
  readonly mixed: number
  /** Answers by version. */
  readonly byVersion: Readonly<Record<string, number>>
  /** Before, and in the seconds of the swaps. */
  readonly p99Ms: { readonly before: number; readonly swapping: number }
  /** Of heap and buffers, the least that was seen before and after. */
  readonly memoryBytes: { readonly before: number; readonly after: number }
  /** From the move of the alias to the first answer. */
  readonly greatestDelayMs: number
  /** Rows in `model_events`. */
  readonly events: number
}

export interface SwapsOptions {
  readonly swaps: number
  readonly perSecond: number
  /** Code is compiled before anything is measured. */
  readonly warmUpS: number
  /** Of load before the first and after the last swap. */
  readonly quietS: number
}

const NAME = 'day7-revenue'
const VERSIONS = { one: 1, two: 1.25 } as const
const POLL_MS = 500
/** The second of a swap: verified and compiled in its most part, and in service in the rest. */
const SWAP_SECOND_MS = { before: 750, after: 250 }

export async function swaps({ swaps, perSecond, warmUpS, quietS }: SwapsOptions): Promise<SwapsResult> {
  const folder = mkdtempSync(join(tmpdir(), 'day7-swaps-'))
  const [mlflow, postgres] = await Promise.all([createMlflowServer(3), createPostgresServer()])
  const client = createMlflowClient({ trackingUri: mlflow.url })
  let child: ChildProcess | undefined
  try {
    const revenues = new Map<string, number>()
    for (const [version, factor] of Object.entries(VERSIONS)) {
      deriveBundle(join(folder, version), version, factor)
      await publishBundle(client, join(folder, version), { name: NAME, alias: null })
      const { revenue } = (await loadBundle(join(folder, version))).predict(EXAMPLE_ROW)
      revenues.set(version, Number(revenue.toFixed(6)))
    }
    await client.setAlias(NAME, 'champion', '1')
    const service = await spawnService(
      {
        DATA_DIR: join(folder, 'data'),
        DATABASE_URL: postgres.url,
        MLFLOW_TRACKING_URI: mlflow.url,
        MODEL_POLL_MS: String(POLL_MS),
        NODE_OPTIONS: `--heapsnapshot-signal=${COLLECT} --diagnostic-dir=${folder}`,
      },
      (process) => (child = process),
    )

    const byVersion: Record<string, number> = {}
    const timed: { readonly dueMs: number; readonly latencyMs: number }[] = []
    let mixed = 0
    const load = startLoad(
      () => service.url,
      perSecond,
      (text, dueMs, latencyMs) => {
        timed.push({ dueMs, latencyMs })
        const version = /"version":"([^"]+)"/.exec(text)![1]!
        byVersion[version] = (byVersion[version] ?? 0) + 1
        const expected = revenues.get(version)
        for (const [, revenue] of text.matchAll(/"predicted_revenue":([\d.e+-]+)/g))
          if (Number(revenue) !== expected) mixed++
        if (new Set(text.matchAll(/"version":"([^"]+)"/g).map(([, version]) => version)).size > 1) mixed++
      },
    )
    await delay(warmUpS * 1000)
    await collectGarbage(service, folder)
    await delay(warmUpS * 1000)
    const quietSince = performance.now()
    const before = await leastMemory(service, quietS)
    const quietUntil = performance.now()
    const moments: number[] = []
    let greatestDelayMs = 0
    for (let swap = 1; swap <= swaps; swap++) {
      const movedMs = Date.now()
      const next = swap % 2 === 0 ? 'one' : 'two'
      await client.setAlias(NAME, 'champion', next === 'one' ? '1' : '2')
      const servingMs = await untilServing(service, next)
      greatestDelayMs = Math.max(greatestDelayMs, servingMs - movedMs)
      moments.push(servingMs - performance.timeOrigin)
      await delay(SWAP_SECOND_MS.after * 2)
    }
    await collectGarbage(service, folder)
    const after = await leastMemory(service, quietS)
    await load.stop()

    const latencies = (isIn: (dueMs: number) => boolean): number[] =>
      timed.filter(({ dueMs }) => isIn(dueMs)).map(({ latencyMs }) => latencyMs)
    const isSwapping = (dueMs: number): boolean =>
      moments.some((at) => dueMs >= at - SWAP_SECOND_MS.before && dueMs <= at + SWAP_SECOND_MS.after)
    return {
      swaps,
      answered: load.answered.length,
      failures: load.failures(),
      mixed,
      byVersion,
      p99Ms: {
        before: percentile(
          latencies((dueMs) => dueMs >= quietSince && dueMs < quietUntil),
          0.99,
        ),
        swapping: percentile(latencies(isSwapping), 0.99),
      },
      memoryBytes: { before, after },
      greatestDelayMs,
      events: await eventsIn(postgres.url, swaps + 1),
    }
  } finally {
    child?.kill('SIGKILL')
    await client.close()
    await Promise.all([mlflow.remove(), postgres.remove()])
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Nothing else comes with it. */
const COLLECT = 'SIGURG'

/** @returns since when, in milliseconds since 1970 */
async function untilServing(service: ServiceProcess, version: string): Promise<number> {
  for (;;) {
    const info = (await (await fetch(`${service.url}/model/info`)).json()) as any
    if (info.version === version) return Date.parse(info.serving_since)
    await delay(20)
  }
}

/** Node collects all garbage before it writes a snapshot, which nobody looks at; requests wait for it some seconds. */
async function collectGarbage({ process }: ServiceProcess, folder: string): Promise<void> {
  const snapshots = () => readdirSync(folder).filter((file) => file.endsWith('.heapsnapshot'))
  const known = new Set(snapshots())
  process.kill(COLLECT)
  for (let bytes = -1; ; await delay(500)) {
    const file = snapshots().find((each) => !known.has(each))
    const now = file === undefined ? 0 : statSync(join(folder, file)).size
    if (now > 0 && now === bytes) return
    bytes = now
  }
}

/** What is garbage comes and goes: the least is what is kept. */
async function leastMemory(service: ServiceProcess, seconds: number): Promise<number> {
  let least = Infinity
  for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; await delay(100)) {
    const metrics = await (await fetch(`${service.url}/metrics`)).text()
    const read = (name: string): number => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(metrics)![1])
    least = Math.min(least, read('nodejs_heap_size_used_bytes') + read('nodejs_external_memory_bytes'))
  }
  return least
}

/** They are written with the next shipment. */
async function eventsIn(url: string, expected: number): Promise<number> {
  const { default: postgres } = await import('postgres')
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    for (let tries = 0; ; tries++) {
      const [{ count }] = await sql<
        [{ count: number }]
      >`select count(*)::int as count from model_events where event = 'serving'`
      if (count >= expected || tries === 50) return count
      await delay(100)
    }
  } finally {
    await sql.end()
  }
}

export function describeSwaps(result: SwapsResult): string {
  const { swaps, answered, failures, mixed, byVersion, p99Ms, memoryBytes, greatestDelayMs, events } = result
  const versions = Object.entries(byVersion).map(([version, count]) => `${version} ${count}`)
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)
  return [
    `${swaps} swaps: answered ${answered} (requests by version: ${versions.join(', ')}), failed ${failures}, of no one version ${mixed}`,
    `p99 ${p99Ms.before.toFixed(1)} ms, in the seconds of the swaps ${p99Ms.swapping.toFixed(1)} ms: ratio ${(p99Ms.swapping / p99Ms.before).toFixed(2)}`,
    `memory ${mib(memoryBytes.before)} MiB, afterwards ${mib(memoryBytes.after)} MiB`,
    `from the move of the alias to the swap ${Math.round(greatestDelayMs)} ms at most (polled every ${POLL_MS} ms); ${events} events`,
  ].join('\n')
}
