/**
 * What a change costs: two checkouts of the service, each answering what it can in turn → the CPU time of one prediction in each, and
 * their ratio. Of a process its best round counts, which is the one that the rest of the machine burdened least; over the
 * pairs of processes the median does.
 *
 *   node test/bench/cost.ts BEFORE AFTER [--pairs 5] [--rounds 6] [--seconds 1] [--set NAME=VALUE …]
 *
 * It needs wrk. The settings are AFTER's.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { EXAMPLE } from '../example.ts'
import { median } from './report.ts'
import { cpuTimeUs } from './service-process.ts'
import { runWrk } from './wrk.ts'

const CONNECTIONS = 32
const WARM_UP_SECONDS = 4

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    pairs: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '6' },
    seconds: { type: 'string', default: '1' },
    set: { type: 'string', multiple: true, default: [] },
  },
})
const [before, after] = positionals
if (!before || !after) throw new Error('expected two folders: before and after')

const folder = mkdtempSync(join(tmpdir(), 'day7-cost-'))
const script = join(folder, 'predict.lua')
writeFileSync(
  script,
  `wrk.method = 'POST'\nwrk.headers['content-type'] = 'application/json'\nwrk.body = [[${JSON.stringify({ ...EXAMPLE, user_id: 'player 1' })}]]\n`,
)
const settings = Object.fromEntries(values.set.map((each) => each.split(/=(.*)/s, 2) as [string, string]))
const costs: [number, number][] = []
try {
  for (let pair = 0; pair < Number(values.pairs); pair++) {
    const cost = await measurePair()
    costs.push(cost)
    console.log(cost.map((us) => `${us.toFixed(2)} µs`).join(' → '))
  }
  const [was, is] = [0, 1].map((at) => median(costs.map((cost) => cost[at]!))) as [number, number]
  console.log(`median ${was.toFixed(2)} µs → ${is.toFixed(2)} µs: ratio ${(is / was).toFixed(3)}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Two fresh processes: what V8 makes of the same code differs from process to process by more than what is looked for. */
async function measurePair(): Promise<[number, number]> {
  const services = [await start(before!, {}), await start(after!, settings)]
  try {
    for (const service of services) await cpuUs(service, WARM_UP_SECONDS)
    const least: [number, number] = [Infinity, Infinity]
    for (let round = 0; round < Number(values.rounds); round++)
      for (const at of round % 2 === 0 ? [0, 1] : [1, 0])
        least[at] = Math.min(least[at]!, await cpuUs(services[at]!, Number(values.seconds)))
    return least
  } finally {
    for (const { child } of services) child.kill('SIGKILL')
  }
}

interface Service {
  readonly url: string
  readonly child: ChildProcess
}

async function start(checkout: string, settings: Record<string, string>): Promise<Service> {
  const child = spawn(process.execPath, ['src/server.ts'], {
    cwd: checkout,
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      DATABASE_URL: 'off',
      DATA_DIR: mkdtempSync(join(folder, 'd')),
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${checkout} ended with ${code}`)))
    createInterface(child.stdout).on('line', (line) => {
      const listening = /Server listening at (http:[^"]+)/.exec(line)
      if (listening) resolve({ url: listening[1]!, child })
    })
  })
}

/** Of all threads of the service, for one prediction. */
async function cpuUs({ url, child }: Service, seconds: number): Promise<number> {
  const pid = child.pid!
  const startUs = cpuTimeUs(pid)
  const { requests } = await runWrk(`${url}/predict`, script, CONNECTIONS, seconds)
  return (cpuTimeUs(pid) - startUs) / requests
}
