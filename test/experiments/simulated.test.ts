/**
 * Comparisons where the truth is known: how often they see a difference that is not there, and whether they see one that is. A long run
 * plays more rounds: of 400 the count of 5 % must be within 1.4 and 8.6 %, of 1,000 within 2.7 and 7.3 %.
 */
import t, { type Test } from 'tap'
import { type Comparison, compare } from '../../src/experiments/compare.ts'
import {
  betweenDifferences,
  type Differences,
  type Pairs,
  pairedDifferences,
} from '../../src/experiments/difference.ts'
import type { Predictions } from '../../src/experiments/figures.ts'
import { LONG } from '../long.ts'
import { randomFrom } from '../prediction-log/log.ts'
import { FAIR, type Model, NO_ARM, NO_PAIRS, Players } from './players.ts'

/** That quantiles of 2.5 and 97.5 % are among the resamples. */
const RESAMPLES = 199

const NO_FAILURES = { asked: 0, failed: 0 }

const comparePairs = (pairs: Pairs, resamples = RESAMPLES): Comparison =>
  compare({ pairs, champion: NO_ARM, challenger: NO_ARM, split: null, failures: NO_FAILURES }, resamples)

const compareArms = (champion: Predictions, challenger: Predictions): Comparison => {
  const split = {
    champion: champion.users,
    challenger: challenger.users,
    challengerShare: challenger.users / (champion.users + challenger.users),
  }
  return compare({ pairs: NO_PAIRS, champion, challenger, split, failures: NO_FAILURES }, RESAMPLES)
}

/** How often each figure's interval is off 0, and how often there is a verdict, of so many rounds. */
function alarmsOf(rounds: number, compareOnce: () => Comparison) {
  const alarms = { mae: 0, normalisedGini: 0, biasRatio: 0, biasDistance: 0, verdict: 0 }
  for (let round = 0; round < rounds; round++) {
    const { differences, verdict } = compareOnce()
    for (const [figure, { interval }] of Object.entries(differences!))
      alarms[figure as keyof Differences] += Number(interval!.low > 0 || interval!.high < 0)
    alarms.verdict += Number(verdict !== 'not yet known')
  }
  return alarms
}

/** The count of 5 % lies within its binomial 99.9 % interval; `atMost`: it may be less. */
function isFivePercent(t: Test, count: number, rounds: number, of: string, atMost = false): void {
  const margin = 3.2905 * Math.sqrt(rounds * 0.05 * 0.95)
  const [low, high] = [atMost ? 0 : rounds * 0.05 - margin, rounds * 0.05 + margin]
  t.ok(
    count >= low && count <= high,
    `${of}: ${count} of ${rounds}, expected ${low.toFixed(1)} to ${high.toFixed(1)}`,
  )
}

t.test('no difference, paired: a false verdict in 5 % of cases', async (t) => {
  const rounds = LONG ? 1000 : 200
  const players = new Players(1, 1)
  const alarms = alarmsOf(rounds, () => comparePairs(players.pairs(1000, FAIR, FAIR)))
  for (const figure of ['mae', 'normalisedGini', 'biasRatio', 'verdict'] as const)
    isFivePercent(t, alarms[figure], rounds, figure)
  isFivePercent(t, alarms.biasDistance, rounds, 'biasDistance, where both models are near 1', true)
})

t.test(
  'no difference, between: a false verdict in 5 % of cases, also with a small arm of heavy tails',
  async (t) => {
    const rounds = LONG ? 500 : 125
    for (const [users, share, sigma] of [
      [1200, 0.5, 1],
      [2000, 0.3, 1.5],
    ] as const) {
      const players = new Players(2, sigma)
      const alarms = alarmsOf(rounds, () =>
        compareArms(players.arm(users * (1 - share), FAIR), players.arm(users * share, FAIR)),
      )
      for (const [figure, count] of Object.entries(alarms))
        isFivePercent(t, count, rounds, `${figure} of ${share}`)
    }
  },
)

t.test('no difference, and revenue that is still heavier', async (t) => {
  const rounds = LONG ? 600 : 150
  const players = new Players(3, 2)
  const { verdict } = alarmsOf(rounds, () => comparePairs(players.pairs(600, FAIR, FAIR)))
  isFivePercent(t, verdict, rounds, 'verdict', true)
})

const HIGH: Model = { ...FAIR, level: 2.5 }

t.test('a difference is found', async (t) => {
  const players = new Players(4, 1)
  const rounds = LONG ? 30 : 10
  const most = 0.8 * rounds
  const counted = (compareOnce: () => Comparison) =>
    Object.groupBy(Array.from({ length: rounds }, compareOnce), ({ verdict }) => verdict)
  const size = 2000
  const better = counted(() => comparePairs(players.pairs(size, HIGH, FAIR)))
  t.ok((better.better?.length ?? 0) >= most, `paired: ${better.better?.length} better of ${rounds}`)
  t.equal(better.worse, undefined)
  const worse = counted(() => comparePairs(players.pairs(size, FAIR, HIGH)))
  t.ok((worse.worse?.length ?? 0) >= most, `paired: ${worse.worse?.length} worse of ${rounds}`)
  t.equal(worse.better, undefined)
  const arm = (model: Model): Predictions => players.arm(size, model)
  const armsBetter = counted(() => compareArms(arm(HIGH), arm(FAIR)))
  t.ok((armsBetter.better?.length ?? 0) >= most, `between: ${armsBetter.better?.length} better of ${rounds}`)
  const armsWorse = counted(() => compareArms(arm(FAIR), arm(HIGH)))
  t.ok((armsWorse.worse?.length ?? 0) >= most, `between: ${armsWorse.worse?.length} worse of ${rounds}`)
})

t.test('whoever predicts too little has the lower error, and is not better', async (t) => {
  const players = new Players(5, 1)
  for (let round = 0; round < 10; round++) {
    const { verdict, reason, differences } = comparePairs(players.pairs(2000, FAIR, { ...FAIR, level: 0.4 }))
    t.ok(differences!.mae.interval!.high < 0, 'the error is surely lower')
    t.equal(verdict, 'not yet known')
    t.match(reason, /but a worse bias/)
  }
})

t.test('no difference, but errors of a small arm that vary more', async (t) => {
  const random = randomFrom(7)
  const rounds = 300
  let alarms = 0
  const armOf = (users: number, errorOf: () => number): Predictions => ({
    actual: new Float64Array(users).fill(20),
    predicted: Float64Array.from({ length: users }, () => 20 - errorOf()),
    user: Uint32Array.from({ length: users }, (_, user) => user),
    users,
  })
  for (let round = 0; round < rounds; round++) {
    const { mae } = betweenDifferences(
      armOf(900, () => 1),
      armOf(100, () => (random() < 0.2 ? 5 : 0)),
      { resamples: RESAMPLES, seed: round },
    )
    alarms += Number(mae.interval!.low > 0 || mae.interval!.high < 0)
  }
  isFivePercent(t, alarms, rounds, 'mae')
})

t.test('rows of one user are one user', async (t) => {
  const players = new Players(6, 1)
  const single = players.pairs(1000, FAIR, FAIR)
  const thrice = (values: Float64Array): Float64Array =>
    Float64Array.from({ length: 3 * values.length }, (_, row) => values[row % values.length]!)
  const repeated = {
    actual: thrice(single.actual),
    champion: thrice(single.champion),
    challenger: thrice(single.challenger),
  }
  const resampling = { resamples: 400, seed: 1 }
  const widths = (pairs: Pairs) =>
    Object.values(pairedDifferences(pairs, resampling)).map(({ interval }) => interval!.high - interval!.low)
  const wanted = widths(single)
  const user = Uint32Array.from({ length: 3000 }, (_, row) => row % 1000)
  const asUsers = widths({ ...repeated, user, users: 1000 })
  const asRows = widths({ ...repeated, user: user.map((_, row) => row), users: 3000 })
  for (const [i, width] of wanted.entries()) {
    t.ok(Math.abs(asUsers[i]! / width - 1) < 1e-9, 'the interval is as wide')
    t.ok(asRows[i]! < 0.75 * width, 'rows that are taken for users would make it narrower')
  }
})
