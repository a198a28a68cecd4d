/**
 * The figures of weighted users are those of the definition, and the draws are what they are said to be.
 */
import t from 'tap'
import { type Predictions, WeightedFigures } from '../../src/experiments/figures.ts'
import { dealDraws, poissonDraws } from '../../src/experiments/resampling.ts'
import { randomFrom } from '../prediction-log/log.ts'

const predictionsOf = (
  actual: number[],
  predicted: number[],
  user = actual.map((_, i) => i),
): Predictions => ({
  actual: Float64Array.from(actual),
  predicted: Float64Array.from(predicted),
  user: Uint32Array.from(user),
  users: Math.max(...user) + 1,
})

const once = ({ users }: Predictions): Uint8Array => new Uint8Array(users).fill(1)

const figuresOf = (predictions: Predictions, weights = once(predictions)) =>
  new WeightedFigures(predictions).of(weights)

t.test('counted by hand', async (t) => {
  t.same(figuresOf(predictionsOf([0, 0, 4, 0], [1, 0, 2, 1])), {
    mae: 1,
    normalisedGini: 1,
    biasRatio: 1,
    biasDistance: 0,
  })
  // The first two share rank 1.5: 3 × (4 − 3) + 1 × (4 − 6) = 1. In the perfect order 3 × (4 − 2) + 1 × (4 − 4) = 6.
  t.same(figuresOf(predictionsOf([0, 3, 1], [2, 2, 1])), {
    mae: 1,
    normalisedGini: 1 / 6,
    biasRatio: 5 / 4,
    biasDistance: Math.log(5 / 4),
  })
  const { biasDistance } = figuresOf(predictionsOf([0, 4], [1, 1]))
  t.equal(biasDistance, Math.log(2), 'half is as far as twice')
})

t.test('a constant prediction has no order, a reversed one is upside down', async (t) => {
  t.equal(figuresOf(predictionsOf([0, 5, 1], [2, 2, 2])).normalisedGini, 0)
  t.equal(figuresOf(predictionsOf([0, 1, 5], [3, 2, 1])).normalisedGini, -1)
})

t.test('what is undefined', async (t) => {
  const { mae, normalisedGini, biasRatio, biasDistance } = figuresOf(predictionsOf([0, 0], [1, 2]))
  t.same([mae, normalisedGini, biasRatio, biasDistance], [1.5, NaN, NaN, NaN], 'without revenue')
  t.ok(Number.isNaN(figuresOf(predictionsOf([2, 2], [1, 2])).normalisedGini), 'all revenue is equal')
  t.equal(figuresOf(predictionsOf([2, 1], [0, 0])).biasDistance, Infinity, 'nothing is predicted')
})

/** Each row as often as it counts, and the figures as the training report has them. */
function byDefinition({ actual, predicted, user }: Predictions, weights: Uint8Array) {
  const rows = [...user].flatMap((of, row) => Array.from({ length: weights[of]! }, () => row))
  const [revenue, said] = [rows.map((row) => actual[row]!), rows.map((row) => predicted[row]!)]
  const sum = (values: number[]): number => values.reduce((sum, value) => sum + value, 0)
  const middleRank = (values: number[], value: number): number =>
    values.filter((other) => other > value).length +
    (values.filter((other) => other === value).length + 1) / 2
  const gini = (scores: number[]): number =>
    sum(revenue.map((value, i) => value * (rows.length + 1 - 2 * middleRank(scores, scores[i]!))))
  const biasRatio = sum(said) / sum(revenue)
  return {
    mae: sum(revenue.map((value, i) => Math.abs(value - said[i]!))) / rows.length,
    normalisedGini: gini(said) / gini(revenue),
    biasRatio,
    biasDistance: Math.abs(Math.log(biasRatio)),
  }
}

t.test('a weight is a number of copies, with ties in both orders', async (t) => {
  const random = randomFrom(3)
  const upTo = (most: number): number => Math.floor(random() * most)
  for (let round = 0; round < 50; round++) {
    const rows = Array.from({ length: 60 }, () => (random() < 0.5 ? 0 : upTo(5)))
    const predictions = predictionsOf(
      rows,
      rows.map(() => upTo(8) / 2),
      rows.map((_, i) => (i < 20 ? i : upTo(20))),
    )
    const weights = Uint8Array.from({ length: predictions.users }, (_, user) => (user === 0 ? 2 : upTo(4)))
    const wanted = byDefinition(predictions, weights)
    for (const [figure, value] of Object.entries(figuresOf(predictions, weights)))
      t.ok(
        Math.abs(value - wanted[figure as keyof typeof wanted]) <= 1e-12 * Math.abs(value),
        `${figure} of round ${round}`,
      )
  }
})

t.test('the standard errors of mean and ratio are those that resampling shows', async (t) => {
  const random = randomFrom(5)
  const actual = Array.from({ length: 3000 }, () => (random() < 0.5 ? 0 : random() * 9))
  const predictions = predictionsOf(
    actual,
    actual.map((value) => value * 0.5 + random() * 3),
    actual.map((_, i) => i >> 1),
  )
  const figures = new WeightedFigures(predictions)
  const weights = once(predictions)
  const errors = figures.errorsOf(figures.of(weights), weights)
  const draw = poissonDraws(1)
  const drawn = Array.from({ length: 2000 }, () => {
    draw(weights)
    return figures.of(weights)
  })
  for (const figure of ['mae', 'biasRatio', 'biasDistance'] as const) {
    const values = drawn.map((found) => found[figure])
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
    t.ok(Math.abs(errors[figure] / deviation - 1) < 0.06, figure, { error: errors[figure], deviation })
  }
})

t.test('draws', async (t) => {
  const of = (weights: Uint8Array) => {
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length
    return { mean, variance: weights.reduce((sum, weight) => sum + (weight - mean) ** 2, 0) / weights.length }
  }
  const weights = new Uint8Array(1_000_001)
  poissonDraws(1)(weights)
  t.ok(Math.abs(of(weights).mean - 1) < 0.004 && Math.abs(of(weights).variance - 1) < 0.01, 'Poisson, mean 1')
  const zeros = weights.filter((weight) => weight === 0).length / weights.length
  t.ok(Math.abs(zeros - Math.exp(-1)) < 0.002, 'a share of 1/e is left out')
  dealDraws(1, 0.1)(weights)
  t.ok(Math.abs(of(weights).mean - 0.1) < 0.002, 'a deal has its chance')
  t.ok(weights.every((weight) => weight <= 1))

  const first = new Uint8Array(24)
  const draw = poissonDraws(7)
  draw(first)
  t.same([...first], GOLDEN, 'on every machine the same')
  const second = first.slice()
  draw(second)
  t.notSame(second, first, 'each call goes on')
})

const GOLDEN = [2, 0, 0, 0, 2, 3, 2, 3, 0, 1, 3, 1, 1, 0, 1, 0, 2, 1, 1, 1, 0, 0, 0, 0]
