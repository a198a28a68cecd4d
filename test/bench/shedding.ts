/**
 * What the service does with three times the load that it can carry: finds how many connections reach the most that it answers, then
 * offers three times as many, very many, and three times the rate, each next to that load, since a machine is not always as fast; figures
 * and ratios are medians → Markdown on the screen and in docs/benchmarks.md. Takes some five minutes.
 *
 *   [SHED_EVENT_LOOP_DELAY_MS=7] node test/bench/shedding.ts [--quick]      --quick: one short round, the page is left alone
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { readConfig } from '../../src/config/index.ts'
import { EXAMPLE } from '../example.ts'
import { spawnService } from '../service.ts'
import type { Offer, Outcome, Taken } from './offer.ts'
import { layOut, median, writePage } from './report.ts'

const isQuick = process.argv.includes('--quick')
const ROUNDS = isQuick ? 1 : 5
const SECONDS = 2
const SEARCH_SECONDS = 1
const SEARCHED = [4, 8, 16, 32, 64]
const TIMES = 3
const LIMIT_MS = 50
const LEAST_SHARE = 0.8
const BATCH = 100

const { SHED_EVENT_LOOP_DELAY_MS } = process.env
const { shedEventLoopDelayMs } = readConfig({ SHED_EVENT_LOOP_DELAY_MS })
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
  const searched = SEARCHED.map((connections) => ({ connections, perSecond: [] as number[] }))
  for (let round = 0; round < ROUNDS; round++)
    for (const { connections, perSecond } of searched)
      perSecond.push((await run({ connections }, SEARCH_SECONDS)).accepted.perSecond)
  const levels = searched.map((level) => ({ ...level, perSecond: median(level.perSecond) }))
  const { connections, perSecond: most } = levels.toSorted((a, b) => b.perSecond - a.perSecond)[0]!
  const rate = Math.round(most * TIMES)
  const overloads: [string, { connections: number; perSecond?: number }][] = [
    [`${connections * TIMES} connections`, { connections: connections * TIMES }],
    [`${count(many)} connections`, { connections: many }],
    [`${count(rate)} a second`, { connections: many, perSecond: rate }],
  ]
  const peaks: Taken[] = []
  const rounds = overloads.map(() => ({ taken: [] as Taken[], shares: [] as number[] }))
  for (let round = 0; round < ROUNDS; round++)
    for (const [at, [, load]] of overloads.entries()) {
      const peak = await run({ connections })
      const taken = await run(load)
      peaks.push(peak)
      rounds[at]!.taken.push(taken)
      rounds[at]!.shares.push(taken.accepted.perSecond / peak.accepted.perSecond)
    }
  const loads = [
    { name: `${connections} connections`, taken: middle(peaks), share: 1 },
    ...overloads.map(([name], at) => ({
      name,
      taken: middle(rounds[at]!.taken),
      share: median(rounds[at]!.shares),
    })),
  ]
  const rows = loads.map(({ name, taken: { accepted, refused, notSentPerSecond }, share }) => [
    name,
    count(accepted.perSecond),
    `${Math.round(share * 100)} %`,
    milliseconds(accepted.p50Ms),
    milliseconds(accepted.p99Ms),
    count(refused.perSecond),
    milliseconds(refused.p99Ms),
    count(notSentPerSecond),
  ])
  const isKept = loads.every(
    ({ taken: { accepted }, share }) => accepted.p99Ms! <= LIMIT_MS && share >= LEAST_SHARE,
  )
  const head = ['load', 'accepted/s', 'of the peak', 'p50', 'p99', 'refused/s', 'p99', 'not sent/s']
  const whole = kind.path === '/predict' ? '`POST /predict`' : `\`POST /batch_predict\` of ${BATCH} users`
  return [
    `${whole}: ${count(loads[0]!.taken.accepted.perSecond)} a second at its peak, with ${connections} connections. At ${TIMES} times that: p99 ≤ ${LIMIT_MS} ms and ≥ ${LEAST_SHARE * 100} % of the peak: **${isKept ? 'kept' : 'not kept'}**.`,
    layOut(head, rows),
  ].join('\n\n')
}

/** Each figure's median, over the rounds that have it. */
function middle(rounds: readonly Taken[]): Taken {
  const middleOf = (figure: (taken: Taken) => number | null): number =>
    median(rounds.flatMap((taken) => figure(taken) ?? []))
  const outcome = (kind: 'accepted' | 'refused'): Outcome => ({
    perSecond: middleOf((taken) => taken[kind].perSecond),
    p50Ms: middleOf((taken) => taken[kind].p50Ms),
    p99Ms: middleOf((taken) => taken[kind].p99Ms),
  })
  return {
    accepted: outcome('accepted'),
    refused: outcome('refused'),
    notSentPerSecond: middleOf((taken) => taken.notSentPerSecond),
    closed: middleOf((taken) => taken.closed),
    others: middleOf((taken) => taken.others),
  }
}

function describe(): string {
  const cores = cpus()
  return `Measured on ${cores[0]?.model.trim()}, ${cores.length} cores, which the service and the generator of the load share; Node ${process.versions.node}, \`DATABASE_URL=off\`, \`SHED_EVENT_LOOP_DELAY_MS=${shedEventLoopDelayMs}\`; medians of ${ROUNDS} rounds of ${SECONDS} s, each next to one at the peak, of which it is a share. A client that is refused asks again at once. At a rate, a request's time counts from when it was due; "not sent" is what was due while all connections of the line above waited for an answer.`
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
  return value === null || Number.isNaN(value) ? '–' : `${value.toFixed(1)} ms`
}
