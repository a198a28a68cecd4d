/**
 * What one process of the service carries, with PostgreSQL behind it: requests and predictions a second, processor time and memory →
 * Markdown on the screen and in docs/operations.md. Takes some two minutes; needs wrk.
 *
 *   node test/bench/capacity.ts [--quick]      --quick: one short round, the page is left alone
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { EXAMPLE } from '../example.ts'
import { createPostgresServer } from '../postgres-server.ts'
import { spawnService } from '../service.ts'
import { layOut, median, writePage } from './report.ts'
import { cpuTimeUs, mostMegabytes, residentMegabytes, untilShipped } from './service-process.ts'
import { runWrk } from './wrk.ts'

const isQuick = process.argv.includes('--quick')
const ROUNDS = isQuick ? 1 : 5
const SECONDS = isQuick ? 2 : 4
const CONNECTIONS = 32
const BATCH = 100

const user = { ...EXAMPLE, user_id: 'player 1' }
const LOADS = [
  { name: '`POST /predict`', path: '/predict', body: user, predictions: 1 },
  { name: '`POST /predict?explain=true`', path: '/predict?explain=true', body: user, predictions: 1 },
  {
    name: `\`POST /batch_predict\` of ${BATCH}`,
    path: '/batch_predict',
    body: { users: Array.from({ length: BATCH }, () => user) },
    predictions: BATCH,
  },
]

const folder = mkdtempSync(join(tmpdir(), 'day7-capacity-'))
const database = await createPostgresServer()
let child: ChildProcess | undefined
try {
  const { url } = await spawnService(
    { DATA_DIR: folder, DATABASE_URL: database.url, LOG_LEVEL: 'info' },
    (started) => (child = started),
  )
  while ((await fetch(`${url}/health/ready`)).status !== 200) await delay(100)
  const pid = child!.pid!
  const atRest = residentMegabytes(pid)
  const rows: string[][] = []
  for (const { name, path, body, predictions } of LOADS) {
    const script = join(folder, 'load.lua')
    writeFileSync(
      script,
      `wrk.method = 'POST'\nwrk.headers['content-type'] = 'application/json'\nwrk.body = [[${JSON.stringify(body)}]]\n`,
    )
    const rounds: { perSecond: number; p99Ms: number; cpuUs: number; megabytes: number }[] = []
    await runWrk(url + path, script, CONNECTIONS, SECONDS) // warms up
    for (let round = 0; round < ROUNDS; round++) {
      await untilShipped(url)
      const startUs = cpuTimeUs(pid)
      const { requests, perSecond, p99Ms } = await runWrk(url + path, script, CONNECTIONS, SECONDS)
      rounds.push({
        perSecond,
        p99Ms,
        cpuUs: (cpuTimeUs(pid) - startUs) / requests / predictions,
        megabytes: mostMegabytes(pid),
      })
    }
    const of = (figure: keyof (typeof rounds)[number]): number => median(rounds.map((round) => round[figure]))
    rows.push([
      name,
      count(of('perSecond')),
      count(of('perSecond') * predictions),
      `${of('p99Ms').toFixed(1)} ms`,
      `${of('cpuUs').toFixed(1)} µs`,
      `${Math.max(...rounds.map(({ megabytes }) => megabytes)).toFixed(0)} MB`,
    ])
  }
  const report = [
    `Measured on ${cpus()[0]?.model.trim()}, ${cpus().length} cores, which the service, PostgreSQL and the generator of the load (wrk, ${CONNECTIONS} connections) share; Node ${process.versions.node}, the shipped model, one process, nothing shed; medians of ${ROUNDS} rounds of ${SECONDS} s. Memory is the most that was resident since the start; at rest ${atRest.toFixed(0)} MB.`,
    layOut(['load', 'requests/s', 'predictions/s', 'p99', 'CPU a prediction', 'memory'], rows),
  ].join('\n\n')
  console.log(report)
  if (!isQuick) writePage('capacity', report, 'operations.md')
} finally {
  child?.kill('SIGKILL')
  await database.remove()
  rmSync(folder, { recursive: true, force: true })
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en')
}
