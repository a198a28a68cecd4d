/**
 * What a second worker brings, and what an Idempotency-Key costs: the service under all the load that it can carry → Markdown on
 * the screen. In each round every variant is measured once; ratios are to the first one in the same round; medians count.
 *
 *   node test/bench/processes.ts [--quick]      needs wrk, and redis-server for one of the rows
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { EXAMPLE } from '../example.ts'
import { createPostgresServer } from '../postgres-server.ts'
import { createRedisServer, NO_REDIS } from '../redis-server.ts'
import { spawnService } from '../service.ts'
import { layOut, median } from './report.ts'
import { cpuTimeUs, untilShipped } from './service-process.ts'
import { runWrk } from './wrk.ts'

const isQuick = process.argv.includes('--quick')
const ROUNDS = isQuick ? 1 : 5
const SECONDS = isQuick ? 2 : 5
const WARM_UP_SECONDS = 4
const CONNECTIONS = 32

/** Lua: each request has a key that no other has. */
const OWN_KEY = `
local prefix = '${Date.now().toString(36)}-' .. tostring({}):sub(8) .. '-'
local count = 0
request = function()
  count = count + 1
  wrk.headers['idempotency-key'] = prefix .. count
  return wrk.format()
end
`

interface Variant {
  readonly name: string
  readonly url: string
  readonly pid: number
  readonly script: string
}

interface Figures {
  readonly perSecond: number
  readonly p99Ms: number
  /** Of all processes of the service, for one prediction. */
  readonly cpuUs: number
}

const folder = mkdtempSync(join(tmpdir(), 'day7-bench-'))
const database = await createPostgresServer()
const redis = NO_REDIS ? null : await createRedisServer()
const children: ChildProcess[] = []
try {
  const start = async (environment: Record<string, string>) => {
    const { url, process } = await spawnService(
      {
        DATA_DIR: mkdtempSync(join(folder, 'd')),
        DATABASE_URL: database.url,
        LOG_LEVEL: 'info',
        ...environment,
      },
      (child) => children.push(child),
    )
    return { url, pid: process.pid! }
  }
  const [plain, keyed] = [scriptOf('plain', ''), scriptOf('keyed', OWN_KEY)]
  const one = await start({})
  const variants: Variant[] = [
    { name: 'one process, no key', ...one, script: plain },
    { name: '`WORKERS=2`, no key', ...(await start({ WORKERS: '2' })), script: plain },
    { name: 'one process, a key each, in memory', ...one, script: keyed },
  ]
  if (redis)
    variants.push({
      name: 'one process, a key each, in Redis',
      ...(await start({ REDIS_URL: redis.url })),
      script: keyed,
    })
  for (const variant of variants) await measure(variant, WARM_UP_SECONDS)
  const results: Figures[][] = variants.map(() => [])
  for (let round = 0; round < ROUNDS; round++) {
    console.error(`round ${round + 1} of ${ROUNDS}`)
    for (let i = 0; i < variants.length; i++) {
      const turn = (i + round) % variants.length
      results[turn]!.push(await measure(variants[turn]!, SECONDS))
      await untilShipped(variants[turn]!.url)
    }
  }
  console.log(
    `${cpus().length} cores, which the load generator, the service, PostgreSQL and Redis share; ${CONNECTIONS} connections (wrk); median of ${ROUNDS} rounds of ${SECONDS} s.\n`,
  )
  console.log(table(variants, results))
} finally {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all([database.remove(), redis?.remove()])
  rmSync(folder, { recursive: true, force: true })
}

function scriptOf(name: string, more: string): string {
  const file = join(folder, `${name}.lua`)
  const body = JSON.stringify({ ...EXAMPLE, user_id: 'player 1' })
  writeFileSync(
    file,
    `wrk.method = 'POST'\nwrk.headers['content-type'] = 'application/json'\nwrk.body = [[${body}]]\n${more}`,
  )
  return file
}

async function measure({ url, pid, script }: Variant, seconds: number): Promise<Figures> {
  const cpuBefore = cpuTimeUs(pid)
  const { requests, perSecond, p99Ms } = await runWrk(`${url}/predict`, script, CONNECTIONS, seconds)
  return {
    perSecond,
    p99Ms,
    cpuUs: (cpuTimeUs(pid) - cpuBefore) / requests,
  }
}

function table(variants: readonly Variant[], results: readonly Figures[][]): string {
  const [baseline] = results as [Figures[]]
  const rows = variants.map(({ name }, i) => {
    const own = results[i]!
    const ratio = (figure: keyof Figures) =>
      median(own.map((figures, round) => figures[figure] / baseline[round]![figure])).toFixed(2)
    return [
      name,
      Math.round(median(own.map(({ perSecond }) => perSecond))).toLocaleString('en'),
      ratio('perSecond'),
      `${median(own.map(({ p99Ms }) => p99Ms)).toFixed(2)} ms`,
      `${median(own.map(({ cpuUs }) => cpuUs)).toFixed(1)} µs`,
      ratio('cpuUs'),
    ]
  })
  return layOut(['service', 'requests/s', 'ratio', 'p99', 'CPU time', 'ratio'], rows)
}
