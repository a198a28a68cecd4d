/**
 * What the service does with three times the load that it can carry: finds the most that it answers, then offers three times the
 * connections, and three times the rate → Markdown on the screen and in docs/benchmarks.md. Takes some two minutes.
 *
 *   node test/bench/shedding.ts [--quick]      --quick: short rounds, the page is left alone
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { readConfig } from '../../src/config/index.ts'
import { EXAMPLE } from '../example.ts'
import { spawnService } from '../service.ts'
import type { Offer, Taken } from './offer.ts'
import { layOut, writePage } from './report.ts'

const isQuick = process.argv.includes('--quick')
const SECONDS = isQuick ? 2 : 5
const SEARCH_SECONDS = isQuick ? 1 : 2
const SEARCHED = [4, 8, 16, 32, 64]
/** So many connections are enough that have so much of the peak. */
const SATURATED = 0.95
const TIMES = 3
const LIMIT_MS = 50
const LEAST_SHARE = 0.8
const BATCH = 100

const { shedEventLoopDelayMs } = readConfig({})
const children: ChildProcess[] = []
try {
  const service = await spawnService(
    { DATABASE_URL: 'off', SHED_EVENT_LOOP_DELAY_MS: String(shedEventLoopDelayMs), LOG_LEVEL: 'info' },
    (child) => children.push(child),
  )
  const user = { ...EXAMPLE, user_id: 'player 1' }
  const kinds = [
    { path: '/predict', body: JSON.stringify(user), many: 2_000 },
    {
      path: '/batch_predict',
      body: JSON.stringify({ users: Array.from({ length: BATCH }, () => user) }),
      many: 200,
    },
  ]
  const parts: string[] = [describe()]
  for (const kind of kinds) parts.push(await measure({ ...kind, url: service.url }))
  const report = parts.join('\n\n')
  console.log(report)
  if (!isQuick) writePage('shedding', report)
} finally {
  for (const child of children) child.kill('SIGKILL')
}

/** @param many connections: more than anybody needs, and what a rate is shared out among */
async function measure({
  many,
  ...kind
}: Pick<Offer, 'url' | 'path' | 'body'> & { many: number }): Promise<string> {
  const run = (load: { connections: number; perSecond?: number }, seconds = SECONDS): Promise<Taken> => {
    console.error(`${kind.path}: ${JSON.stringify(load)}`)
    return offer({ ...kind, perSecond: null, ...load, seconds })
  }
  await run({ connections: SEARCHED[0]! })
  const found: { connections: number; perSecond: number }[] = []
  for (const connections of SEARCHED)
    found.push({ connections, perSecond: (await run({ connections }, SEARCH_SECONDS)).accepted.perSecond })
  const peak = Math.max(...found.map(({ perSecond }) => perSecond))
  const { connections } = found.find(({ perSecond }) => perSecond >= peak * SATURATED)!
  const rate = Math.round(peak * TIMES)
  const loads: [string, Taken][] = [
    [`${connections} connections`, await run({ connections })],
    [`${connections * TIMES} connections`, await run({ connections: connections * TIMES })],
    [`${count(many)} connections`, await run({ connections: many })],
    [`${count(rate)} a second`, await run({ connections: many, perSecond: rate })],
  ]
  const rows = loads.map(([name, { accepted, refused, notSentPerSecond }]) => [
    name,
    count(accepted.perSecond),
    `${Math.round((accepted.perSecond / peak) * 100)} %`,
    milliseconds(accepted.p50Ms),
    milliseconds(accepted.p99Ms),
    count(refused.perSecond),
    milliseconds(refused.p99Ms),
    count(notSentPerSecond),
  ])
  const overloads = loads.slice(1)
  const isKept = overloads.every(
    ([, { accepted }]) => accepted.p99Ms <= LIMIT_MS && accepted.perSecond >= LEAST_SHARE * peak,
  )
  const head = ['load', 'accepted/s', 'of the peak', 'p50', 'p99', 'refused/s', 'p99', 'not sent/s']
  const whole = kind.path === '/predict' ? '`POST /predict`' : `\`POST /batch_predict\` of ${BATCH} users`
  return [
    `${whole}: at most ${count(peak)} a second, reached with ${connections} connections. At ${TIMES} times that: p99 ≤ ${LIMIT_MS} ms and ≥ ${LEAST_SHARE * 100} % of the peak: **${isKept ? 'kept' : 'not kept'}**.`,
    layOut(head, rows),
  ].join('\n\n')
}

function describe(): string {
  const cores = cpus()
  return `Measured on ${cores[0]?.model.trim()}, ${cores.length} cores, which the service and the generator of the load share; Node ${process.versions.node}, \`DATABASE_URL=off\`, \`SHED_EVENT_LOOP_DELAY_MS=${shedEventLoopDelayMs}\`; ${SECONDS} s each. A client that is refused asks again at once. At a rate, a request's time counts from when it was due; "not sent" is what was due while all connections of the line above waited for an answer.`
}

async function offer(load: Offer): Promise<Taken> {
  const child = spawn(process.execPath, ['test/bench/offer.ts', JSON.stringify(load)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`the generator ended with ${code}`)
  const taken = JSON.parse(text) as Taken
  if (taken.others > 0) throw new Error(`${taken.others} answers were neither 200 nor 503`)
  return taken
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en')
}
function milliseconds(value: number | null): string {
  return value === null ? '–' : `${value.toFixed(1)} ms`
}
