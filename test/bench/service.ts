/**
 * What the prediction log costs: the service with it and without it, under all the load that it can carry and at a fixed rate, what
 * CPU time a prediction takes, and how fast a full spool is shipped → Markdown on the screen and in docs/benchmarks.md. In each round every variant is measured
 * once; ratios are to the variant without a log in the same round; medians over the rounds count.
 *
 *   node test/bench/service.ts [--quick]      needs wrk; --quick: one short round, the page is left alone
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { v7 as uuidv7 } from 'uuid'
import { RemoteDatabase } from '../../src/prediction-log/remote-database.ts'
import { Spool } from '../../src/prediction-log/spool/spool.ts'
import { Writer } from '../../src/prediction-log/writer.ts'
import { NINE_FIELDS } from '../../src/inputs/index.ts'
import { EXAMPLE, rowOf } from '../example.ts'
import { percentile, startLoad } from '../faults/load.ts'
import { createPostgresServer, type PostgresServer } from '../postgres-server.ts'
import { spawnService } from '../service.ts'
import { layOut, median, writePage } from './report.ts'
import { cpuTimeUs } from './service-process.ts'
import { runWrk } from './wrk.ts'

const isQuick = process.argv.includes('--quick')
const ROUNDS = isQuick ? 1 : 7
const SECONDS = isQuick ? 2 : 5
const WARM_UP_SECONDS = 4
const CONNECTIONS = 32
const FIXED_RATE = 2000
const SHIPPED_ROWS = isQuick ? 60_000 : 300_000
const SHIPMENTS = isQuick ? 1 : 3

interface Variant {
  readonly name: string
  readonly url: string
  readonly pid: number
}

interface Figures {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of all threads of the service, for one prediction. */
  readonly cpuUs: number
}

const folder = mkdtempSync(join(tmpdir(), 'day7-bench-'))
const script = join(folder, 'predict.lua')
writeFileSync(
  script,
  `wrk.method = 'POST'\nwrk.headers['content-type'] = 'application/json'\nwrk.body = [[${JSON.stringify({ ...EXAMPLE, user_id: 'player 1' })}]]\n`,
)
const server = await createPostgresServer()
const children: ChildProcess[] = []
try {
  const start = async (
    name: string,
    environment: Record<string, string>,
    program?: string,
  ): Promise<Variant> => {
    const dataFolder = mkdtempSync(join(folder, 'd'))
    const service = await spawnService(
      { DATA_DIR: dataFolder, ...environment },
      (child) => children.push(child),
      undefined,
      program,
    )
    return { name, url: service.url, pid: service.process.pid! }
  }
  const variants = [
    await start('no log (`DATABASE_URL=off`)', { DATABASE_URL: 'off' }),
    await start('PostgreSQL', { DATABASE_URL: server.url }),
    await start('PostgreSQL that is away', { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }),
    await start('embedded PostgreSQL', {}),
  ]
  variants.push(
    await start(
      'bare Fastify, which predicts nothing',
      { ANSWER: await answerOf(variants[0]!) },
      'test/bench/bare-fastify.ts',
    ),
  )
  for (const variant of variants) {
    await saturate(variant, WARM_UP_SECONDS)
    await untilIdle(variant)
  }
  const full = await rounds('as many as it can', variants, saturate)
  const fixed = await rounds(`${FIXED_RATE} a second`, variants, steady)
  for (const child of children) child.kill('SIGKILL')
  const rates: number[] = []
  for (let i = 0; i < SHIPMENTS; i++) rates.push(await ship(server))
  const report = [
    `${CONNECTIONS} connections, each sends its next request when the last one is answered (wrk); median of ${ROUNDS} rounds of ${SECONDS} s. The load generator, the service and the database share the machine; CPU time is the service’s own, all its threads together, for one prediction. With a database that is away the spool only gathers: this is what the requests themselves pay.`,
    table(variants, full),
    `Of the requests of bare Fastify: ${shares(variants, full)}.`,
    `At ${FIXED_RATE.toLocaleString('en')} predictions a second, latencies counted from when a request was due:`,
    table(variants, fixed),
    `A full spool of ${SHIPPED_ROWS.toLocaleString('en')} predictions is shipped to PostgreSQL at **${Math.round(median(rates)).toLocaleString('en')} rows a second** (${rates.map((rate) => Math.round(rate).toLocaleString('en')).join('; ')}).`,
  ].join('\n\n')
  console.log(report)
  if (!isQuick) writePage('service', report)
} finally {
  for (const child of children) child.kill('SIGKILL')
  await server.remove()
  rmSync(folder, { recursive: true, force: true })
}

async function rounds(
  what: string,
  variants: readonly Variant[],
  measure: (variant: Variant, seconds: number) => Promise<Figures>,
): Promise<Figures[][]> {
  const results: Figures[][] = variants.map(() => [])
  for (let round = 0; round < ROUNDS; round++) {
    console.error(`${what}: round ${round + 1} of ${ROUNDS}`)
    for (let i = 0; i < variants.length; i++) {
      const turn = (i + round) % variants.length
      results[turn]!.push(await measure(variants[turn]!, SECONDS))
      await untilIdle(variants[turn]!) // so that it does not burden the next one
    }
  }
  return results
}

async function answerOf({ url }: Variant): Promise<string> {
  const response = await fetch(`${url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...EXAMPLE, user_id: 'player 1' }),
  })
  return response.text()
}

/** Requests of each variant over those of the last one, round by round. */
function shares(variants: readonly Variant[], results: readonly Figures[][]): string {
  const bare = results.at(-1)!
  const shareOf = (own: readonly Figures[]): string =>
    median(own.map(({ perSecond }, round) => perSecond / bare[round]!.perSecond)).toFixed(2)
  return variants
    .slice(0, -1)
    .map(({ name }, i) => `${name} ${shareOf(results[i]!)}`)
    .join(', ')
}

async function untilIdle({ url }: Variant): Promise<void> {
  for (;;) {
    const { prediction_log: log } = (await (await fetch(`${url}/health`)).json()) as {
      prediction_log: { state: string; spool_bytes: number }
    }
    if (log.state === 'off' || log.state === 'backing-off' || log.spool_bytes === 0) return
    await delay(100)
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
      `${median(own.map(({ p50Ms }) => p50Ms)).toFixed(2)} ms`,
      `${median(own.map(({ p99Ms }) => p99Ms)).toFixed(2)} ms`,
      ratio('p99Ms'),
      `${median(own.map(({ cpuUs }) => cpuUs)).toFixed(1)} µs`,
      ratio('cpuUs'),
    ]
  })
  return layOut(['log', 'requests/s', 'ratio', 'p50', 'p99', 'ratio', 'CPU time', 'ratio'], rows)
}

async function saturate({ url, pid }: Variant, seconds: number): Promise<Figures> {
  const cpuBefore = cpuTimeUs(pid)
  const { requests, perSecond, p50Ms, p99Ms } = await runWrk(`${url}/predict`, script, CONNECTIONS, seconds)
  return {
    perSecond,
    p50Ms,
    p99Ms,
    cpuUs: (cpuTimeUs(pid) - cpuBefore) / requests,
  }
}

async function steady({ url, pid }: Variant, seconds: number): Promise<Figures> {
  const cpuBefore = cpuTimeUs(pid)
  const load = startLoad(() => url, FIXED_RATE)
  await delay(seconds * 1000)
  await load.stop()
  return {
    perSecond: load.answered.length / seconds,
    p50Ms: percentile(load.latenciesMs, 0.5),
    p99Ms: percentile(load.latenciesMs, 0.99),
    cpuUs: (cpuTimeUs(pid) - cpuBefore) / load.answered.length,
  }
}

/** @returns rows a second from the first shipment to the last commit */
async function ship({ url }: PostgresServer): Promise<number> {
  const logger = { info: () => {}, warn: console.warn, error: console.error }
  const spool = new Spool({
    folder: mkdtempSync(join(folder, 's')),
    owner: 'bench',
    maxBytes: 2 ** 40,
    fsyncMs: 1000,
    fields: null,
    logger,
  })
  const countries = ['us', 'br', 'in', 'de', 'fr', 'es', 'mx', 'id', 'jp', 'gb']
  const now = Date.now()
  for (let i = 0; i < SHIPPED_ROWS; i += 100)
    await spool.append(
      Array.from({ length: 100 }, (_, k) => {
        const time = new Date(now - (SHIPPED_ROWS - i - k) / 20)
        return {
          predictionId: uuidv7({ msecs: time.getTime() }),
          time,
          userId: `player ${(i + k) % 200_000}`,
          inputs: NINE_FIELDS,
          row: rowOf({ ...EXAMPLE, country: countries[(i + k) % countries.length]! }),
          predictedRevenue: Math.round(Math.random() * 1e7) / 1e6,
          rawScore: Math.random(),
          inferenceTimeUs: Math.random() * 20,
          modelName: 'day7-revenue',
          modelVersion: '1',
          variant: 'champion',
        }
      }),
    )
  const database = new RemoteDatabase({ url })
  await database.call('probe')
  const start = performance.now()
  const writer = new Writer({
    spool,
    flushIntervalMs: 5,
    logger,
    sink: {
      ship: (path) => database.call('ship', path),
      probe: async () => void (await database.call('probe')),
      hasEvents: () => false,
      maintain: async () => {},
    },
  })
  while (spool.status().bytes > 0) await delay(5)
  const perSecond = (SHIPPED_ROWS / (performance.now() - start)) * 1000
  await writer.close(1000)
  await spool.close()
  await database.close(5000)
  return perSecond
}
