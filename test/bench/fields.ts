/**
 * What input fields cost: the CPU time of a prediction by a model of nine fields and by one of sixty, whose trees are the same, without a
 * log and with one → Markdown on the screen and in docs/benchmarks.md. The two are measured right after one another, in turn; the
 * medians of the rounds and of their ratios count. Sixty fields may cost three times what nine do.
 *
 *   node test/bench/fields.ts [--quick]      needs wrk; --quick: two short rounds, the page is left alone
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EXAMPLE } from '../example.ts'
import { createPostgresServer } from '../postgres-server.ts'
import { spawnService } from '../service.ts'
import { layOut, median, writePage } from './report.ts'
import { cpuTimeUs, untilShipped } from './service-process.ts'
import { widenBundle } from './wide-bundle.ts'
import { runWrk } from './wrk.ts'

const isQuick = process.argv.includes('--quick')
const ROUNDS = isQuick ? 2 : 7
const SECONDS = isQuick ? 1 : 3
const WARM_UP_SECONDS = 3
const CONNECTIONS = 32
const FIELDS = 60
const MOST_RATIO = 3

interface Service {
  readonly url: string
  readonly pid: number
  readonly script: string
}

const folder = mkdtempSync(join(tmpdir(), 'day7-fields-'))
const children: ChildProcess[] = []
const server = await createPostgresServer()
try {
  const wide = widenBundle(join(folder, 'wide'), FIELDS)
  const models: readonly [string, string, object][] = [
    ['nine', 'artifacts/champion', EXAMPLE],
    ['wide', join(folder, 'wide'), wide],
  ]
  const rows: string[][] = []
  const ratios: number[] = []
  for (const [log, database] of [
    ['no log', 'off'],
    ['PostgreSQL', server.url],
  ] as const) {
    const services: Service[] = []
    for (const [name, model, install] of models) services.push(await start(name, model, install, database))
    for (const service of services) await cpuUs(service, WARM_UP_SECONDS)
    const rounds: [number, number][] = []
    for (let round = 0; round < ROUNDS; round++) {
      const us: [number, number] = [NaN, NaN]
      for (const at of round % 2 === 0 ? [0, 1] : [1, 0]) us[at] = await cpuUs(services[at]!, SECONDS)
      rounds.push(us)
    }
    for (const child of children.splice(0)) child.kill('SIGKILL')
    const ratio = median(rounds.map(([nine, wide]) => wide / nine))
    ratios.push(ratio)
    const shown = (at: 0 | 1) => `${median(rounds.map((us) => us[at])).toFixed(1)} µs`
    const all = rounds.map(([nine, wide]) => wide / nine)
    rows.push([
      log,
      shown(0),
      shown(1),
      ratio.toFixed(2),
      `${Math.min(...all).toFixed(2)}–${Math.max(...all).toFixed(2)}`,
    ])
  }
  const report = [
    `CPU time of the service, all its threads together, for one \`POST /predict\`; ${CONNECTIONS} connections, ${ROUNDS} rounds of ${SECONDS} s.`,
    layOut(['log', 'nine fields', `${FIELDS} fields`, 'ratio', 'lowest–highest'], rows),
  ].join('\n\n')
  console.log(report)
  if (!isQuick) writePage('fields', report)
  if (!(Math.max(...ratios) <= MOST_RATIO)) {
    console.error(`expected ${FIELDS} fields to cost at most ${MOST_RATIO} times what nine do`)
    process.exitCode = 1
  }
} finally {
  for (const child of children) child.kill('SIGKILL')
  await server.remove()
  rmSync(folder, { recursive: true, force: true })
}

async function start(name: string, model: string, install: object, database: string): Promise<Service> {
  const service = await spawnService(
    {
      MODEL_DIR: model,
      DATA_DIR: mkdtempSync(join(folder, 'd')),
      DATABASE_URL: database,
    },
    (child) => children.push(child),
  )
  const script = join(folder, `${name}.lua`)
  const body = JSON.stringify({ ...install, user_id: 'player 1' })
  writeFileSync(
    script,
    `wrk.method = 'POST'\nwrk.headers['content-type'] = 'application/json'\nwrk.body = [[${body}]]\n`,
  )
  return { url: service.url, pid: service.process.pid!, script }
}

/** For one prediction; what waits for the database is shipped, so that it counts where it belongs. */
async function cpuUs({ url, pid, script }: Service, seconds: number): Promise<number> {
  const startUs = cpuTimeUs(pid)
  const { requests } = await runWrk(`${url}/predict`, script, CONNECTIONS, seconds)
  await untilShipped(url)
  return (cpuTimeUs(pid) - startUs) / requests
}
