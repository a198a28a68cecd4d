/**
 * Three times the load and more, on paper: turns keep accepted requests fast and the loop busy with them, whatever asks; a switch does
 * not. `npm run bench:shedding` measures the service itself.
 */
import t from 'tap'
import { readConfig } from '../../src/config/index.ts'
import { type Load, simulate } from './simulated-loop.ts'

const { shedEventLoopDelayMs } = readConfig({})
const LIMIT_MS = 50
const LEAST_SHARE = 0.8

/** Some 31,000 predictions a second, and 500 batches of a hundred. */
const PREDICT = { takeMs: 0.02, answerMs: 0.012, readMs: 0.009, refuseMs: 0.008 }
const BATCH = { takeMs: 1.4, answerMs: 0.6, readMs: 0.03, refuseMs: 0.01 }
const loop = (connections: number): Load => ({ connections, perSecond: null })

const KEPT: readonly [string, typeof PREDICT, Load][] = [
  ...[48, 300, 1_000, 2_000, 5_000].map((n) => [`predictions, ${n} connections`, PREDICT, loop(n)] as const),
  ['predictions, 93,000 a second', PREDICT, { connections: 2_000, perSecond: 93_000 }],
  ...[6, 24, 100, 200].map((n) => [`batches, ${n} connections`, BATCH, loop(n)] as const),
  ['batches, 1,500 a second', BATCH, { connections: 200, perSecond: 1_500 }],
].map(([name, costs, load]) => [name, costs, load] as [string, typeof PREDICT, Load])

t.test('turns', (t) => {
  for (const [name, costs, load] of KEPT) {
    const { share, p99Ms, refusedP99Ms } = simulate(costs, load, 'turns', shedEventLoopDelayMs)
    t.ok(share >= LEAST_SHARE, `${name}: ${Math.round(share * 100)} % of the peak`)
    t.ok(p99Ms <= LIMIT_MS, `${name}: p99 ${p99Ms.toFixed(1)} ms`)
    // They are given a fiftieth of the time: decisions/0011.
    t.notOk(refusedP99Ms > 2_000, `${name}: the refused wait ${refusedP99Ms.toFixed(0)} ms at most`)
  }
  t.end()
})

t.test('nothing is refused that can be done in time', (t) => {
  for (const load of [loop(500), { connections: 200, perSecond: 28_000 }]) {
    const { share, refusedPerSecond } = simulate(PREDICT, load, 'turns', shedEventLoopDelayMs)
    t.ok(share > 0.85)
    t.equal(refusedPerSecond, 0)
  }
  t.end()
})

t.test('a switch keeps neither', (t) => {
  const missed = KEPT.slice(2).filter(([, costs, load]) => {
    const { share, p99Ms } = simulate(costs, load, 'switch', shedEventLoopDelayMs)
    return share < LEAST_SHARE || p99Ms > LIMIT_MS
  })
  t.ok(missed.length >= 6, `it misses ${missed.map(([name]) => name).join('; ')}`)
  t.end()
})
