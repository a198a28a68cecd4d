/**
 * Drift: the index is the one that the books have, over the window and no more, and costs a prediction next to nothing.
 */
import t from 'tap'
import { DriftWindow, psi } from '../../src/monitor/drift.ts'
import { Sampler } from '../../src/monitor/sampler.ts'

const HOUR_MS = 3_600_000
/** Of 100,000 training rows. */
const PROFILE = {
  features: [
    { name: 'even', edges: [0], counts: [50_000, 50_000], missing: 0 },
    { name: 'tenths', edges: [1, 2, 3, 4, 5, 6, 7, 8, 9], counts: Array(10).fill(9_000), missing: 10_000 },
  ],
  predictions: { edges: [1, 10], counts: [60_000, 30_000, 10_000], missing: 0 },
}

/** As the formula has it, of shares. */
const expected = (reference: number[], live: number[]): number =>
  live.reduce((sum, share, bin) => sum + (share - reference[bin]!) * Math.log(share / reference[bin]!), 0)

t.test('a known index', (t) => {
  const counts = (shares: number[]) => shares.map((share) => share * 1_000_000)
  for (const [reference, live] of [
    [
      [0.5, 0.5],
      [0.75, 0.25],
    ],
    [
      [0.2, 0.3, 0.5],
      [0.3, 0.3, 0.4],
    ],
    [
      [0.9, 0.1],
      [0.1, 0.9],
    ],
  ] as const) {
    const index = psi(counts([...reference]), counts([...live]))
    t.ok(Math.abs(index - expected([...reference], [...live])) < 1e-4, `${index}`)
  }
  // 0.25 · ln 1.5 + 0.25 · ln 2
  t.ok(Math.abs(psi([5e6, 5e6], [7.5e6, 2.5e6]) - 0.27465) < 1e-4)
  t.equal(psi([400, 300, 300], [400, 300, 300]), 0)
  t.ok(Number.isFinite(psi([1000, 0], [0, 1000])), 'of bins that are empty on one side')
  t.equal(psi([400, 600, 0], [400, 600, 0]), 0, 'bins that are empty on both sides say nothing')
  t.end()
})

t.test('values fall where the profile says', (t) => {
  const window = new DriftWindow(PROFILE, HOUR_MS)
  // A quarter above 0; all in the fifth tenth; predictions as in training.
  for (let i = 0; i < 1000; i++)
    window.add(Float64Array.of(i % 4 === 0 ? 0.5 : 0, 5), i % 10 < 6 ? 1 : i % 10 < 9 ? 10 : 11, 0)
  const { count, features, predictions } = window.drift(0)
  t.equal(count, 1000)
  t.ok(Math.abs(features.get('even')! - expected([0.5, 0.5], [0.75, 0.25])) < 0.01)
  t.ok(features.get('tenths')! > 2)
  t.ok(predictions < 0.001)
  t.end()
})

t.test('a missing value is a value', (t) => {
  const window = new DriftWindow(PROFILE, HOUR_MS)
  for (let i = 0; i < 1000; i++) window.add(Float64Array.of(i % 2, i % 11 === 0 ? NaN : (i % 11) - 0.5), 1, 0)
  const { features } = window.drift(0)
  t.ok(features.get('tenths')! < 0.01, 'a tenth is missing, as in training')
  for (let i = 0; i < 1000; i++) window.add(Float64Array.of(i % 2, NaN), 1, 0)
  t.ok(window.drift(0).features.get('tenths')! > 0.25)
  t.end()
})

t.test('of few predictions there is no index', (t) => {
  const window = new DriftWindow(PROFILE, HOUR_MS)
  for (let i = 0; i < 199; i++) window.add(Float64Array.of(0, 0), 0, 0)
  t.same(window.drift(0), { count: 199, features: new Map(), predictions: NaN, unknown: [] })
  window.add(Float64Array.of(0, 0), 0, 0)
  t.same([...window.drift(0).features.keys()], ['even', 'tenths'])
  t.end()
})

t.test('unknown values of the window, from the first prediction on', (t) => {
  const kinds = ['blanks', 'unseen'].map((reason) => ({ field: 'country', reason }))
  const window = new DriftWindow(PROFILE, HOUR_MS, kinds)
  const add = (nowMs: number, unknown: readonly number[]) =>
    window.add(Float64Array.of(0, 0), 0, nowMs, unknown)
  add(0, [0])
  add(HOUR_MS / 2, [0, 1])
  add(HOUR_MS / 2, [])
  t.match(window.drift(HOUR_MS / 2), {
    count: 3,
    unknown: [
      { ...kinds[0], count: 2 },
      { ...kinds[1], count: 1 },
    ],
  })
  t.same(
    window.drift(HOUR_MS).unknown.map(({ count }) => count),
    [1, 1],
  )
  t.same(window.drift(3 * HOUR_MS).unknown, [])
  add(3 * HOUR_MS, [1])
  t.same(window.drift(3 * HOUR_MS).unknown, [{ ...kinds[1], count: 1 }], 'panes begin anew')
  t.end()
})

t.test('what is older than the window is forgotten, a twelfth at a time', (t) => {
  const window = new DriftWindow(PROFILE, HOUR_MS)
  const add = (value: number, nowMs: number) => {
    for (let i = 0; i < 300; i++) window.add(Float64Array.of(i % 2 === 0 ? value : 0, 0), 0, nowMs)
  }
  const evenAt = (nowMs: number) => window.drift(nowMs).features.get('even')
  add(0, 1000)
  add(1, HOUR_MS / 2)
  t.equal(window.drift(HOUR_MS / 2).count, 600)
  t.ok(evenAt(HOUR_MS / 2)! > 0.2, 'three quarters are 0')
  t.equal(window.drift(HOUR_MS).count, 300)
  t.ok(evenAt(HOUR_MS)! < 0.001, 'half are 0, as in training')
  t.equal(window.drift(3 * HOUR_MS).count, 0, 'without a new prediction, too')
  add(1, 3 * HOUR_MS)
  t.equal(window.drift(3 * HOUR_MS).count, 300)
  t.end()
})

t.test('so many a second are looked at, whatever the rate', (t) => {
  let state = 1
  const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
  for (const rate of [10, 100, 1_000, 30_000, 300_000]) {
    const sampler = new Sampler(100, random)
    const perSecond: number[] = []
    let nowMs = 0
    for (let second = 0; second < 10; second++) {
      let picked = 0
      for (let i = 0; i < rate; i++, nowMs += 1000 / rate)
        if (sampler.pick()) {
          picked++
          sampler.next(nowMs)
        }
      perSecond.push(picked)
    }
    const wanted = Math.min(rate, 100)
    // The rate of the first second is not known yet.
    t.ok(perSecond[0]! <= 1_600, `${rate} a second: ${perSecond}`)
    for (const picked of perSecond.slice(2))
      t.ok(picked >= wanted * 0.5 && picked <= wanted * 2, `${rate} a second: ${perSecond}`)
  }
  t.end()
})
