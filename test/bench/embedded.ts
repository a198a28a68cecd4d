/**
 * What the embedded database takes: how long a service needs until it is ready, with a new folder and with one that is there, and how much
 * memory all its processes hold, at rest and under load → Markdown on the screen and in docs/benchmarks.md. Linux.
 *
 *   node test/bench/embedded.ts      needs wrk
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { EXAMPLE } from '../example.ts'
import { spawnService } from '../service.ts'
import { until } from '../until.ts'
import { layOut, median, writePage } from './report.ts'
import { untilShipped } from './service-process.ts'
import { runWrk } from './wrk.ts'

const ROUNDS = 5
const LOAD_SECONDS = 10
const CONNECTIONS = 32
const REST_MS = 5_000

const folder = mkdtempSync(join(tmpdir(), 'day7-embedded-'))
const script = join(folder, 'predict.lua')
writeFileSync(
  script,
  `wrk.method = 'POST'\nwrk.headers['content-type'] = 'application/json'\nwrk.body = [[${JSON.stringify(EXAMPLE)}]]\n`,
)
const rounds: { fresh: number; again: number; without: number; rest: number; peak: number }[] = []
try {
  for (let round = 0; round < ROUNDS; round++) {
    const data = mkdtempSync(join(folder, 'd'))
    const without = await readyMs('off', mkdtempSync(join(folder, 'd')))
    await without.stop()
    const first = await readyMs('', data)
    await delay(REST_MS)
    const rest = megabytes(first.pid)
    let peak = rest
    const loaded = runWrk(`${first.url}/predict`, script, CONNECTIONS, LOAD_SECONDS)
    while ((await Promise.race([loaded, delay(200, null)])) === null)
      peak = Math.max(peak, megabytes(first.pid))
    await untilShipped(first.url)
    await first.stop()
    const second = await readyMs('', data)
    await second.stop()
    rounds.push({ fresh: first.ms, again: second.ms, without: without.ms, rest, peak })
  }
  const middle = (key: keyof (typeof rounds)[number]): number => median(rounds.map((round) => round[key]))
  const seconds = (key: 'fresh' | 'again' | 'without') => `${(middle(key) / 1000).toFixed(1)} s`
  const report = layOut(
    ['service', 'ready', 'memory at rest', `most memory, ${CONNECTIONS} connections`],
    [
      ['without a log', seconds('without'), '–', '–'],
      [
        'embedded database, new folder',
        seconds('fresh'),
        `${middle('rest').toFixed(0)} MB`,
        `${middle('peak').toFixed(0)} MB`,
      ],
      ['embedded database, folder that is there', seconds('again'), '–', '–'],
    ],
  )
  console.log(report)
  writePage(
    'embedded',
    `Medians of ${ROUNDS} rounds. Memory is the proportional share of all processes, the service and its database.\n\n${report}`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}

interface Started {
  readonly url: string
  readonly pid: number
  /** From its start until its log ships. */
  readonly ms: number
  stop(): Promise<unknown>
}

async function readyMs(database: string, data: string): Promise<Started> {
  const startMs = performance.now()
  const service = await spawnService({ DATA_DIR: data, DATABASE_URL: database }, () => {})
  const { url } = service
  await until('its log ships', async () => {
    const { prediction_log } = (await (await fetch(`${url}/health`)).json()) as {
      prediction_log: { state: string }
    }
    return ['shipping', 'off'].includes(prediction_log.state)
  })
  const ms = performance.now() - startMs
  return { url, pid: service.process.pid!, ms, stop: () => service.stop() }
}

/** Of the process and all that it has started: each page is divided by how many share it. */
function megabytes(pid: number): number {
  const table = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' })
  const parents = table.trim().split('\n').map((line) => line.trim().split(/\s+/).map(Number) as [number, number]) // prettier-ignore
  const tree = new Set([pid])
  for (const _ of parents) {
    const before = tree.size
    for (const [child, parent] of parents) if (tree.has(parent)) tree.add(child)
    if (tree.size === before) break
  }
  const kilobytes = [...tree].map((each) => {
    try {
      return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${each}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
    } catch {
      return 0 // it has just ended
    }
  })
  return kilobytes.reduce((sum, each) => sum + each, 0) / 1024
}
