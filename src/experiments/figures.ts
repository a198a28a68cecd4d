/**
 * The predictions of a model and the revenue that came → mean absolute error, normalised Gini and bias ratio, with each user counted
 * as often as his weight says. What needs sorting is sorted once: the figures of a resample are sums over rows that are in order.
 * All is as `/accuracy` has it: equal predictions share their middle rank, the Gini of an order is over that of the perfect one.
 */

export interface Predictions {
  /** Revenue that came, ≥ 0. */
  readonly actual: Float64Array
  readonly predicted: Float64Array
  /** Whose row it is, from 0 to `users` − 1. */
  readonly user: Uint32Array
  readonly users: number
}

export const FIGURES = ['mae', 'normalisedGini', 'biasRatio', 'biasDistance'] as const
export type Figure = (typeof FIGURES)[number]

/** NaN is what is undefined: a Gini where all revenue is equal, a ratio to no revenue. */
export type Figures = Readonly<Record<Figure, number>>

/** Rows by falling score. */
interface Order {
  readonly user: Uint32Array
  readonly actual: Float64Array
  /** Where a tie starts and ends in which somebody paid; a row of its own is a tie of one. The others add to ranks, not to sums. */
  readonly start: Uint32Array
  readonly end: Uint32Array
}

export class WeightedFigures {
  /** Sums of a user's rows. */
  readonly #rows: Float64Array
  readonly #errors: Float64Array
  readonly #predicted: Float64Array
  readonly #actual: Float64Array
  readonly #byPrediction: Order
  /** Of those who paid: nobody else counts in the perfect order. */
  readonly #byRevenue: Order

  constructor({ actual, predicted, user, users }: Predictions) {
    this.#rows = new Float64Array(users)
    this.#errors = new Float64Array(users)
    this.#predicted = new Float64Array(users)
    this.#actual = new Float64Array(users)
    for (let row = 0; row < actual.length; row++) {
      const of = user[row]!
      this.#rows[of]! += 1
      this.#errors[of]! += Math.abs(predicted[row]! - actual[row]!)
      this.#predicted[of]! += predicted[row]!
      this.#actual[of]! += actual[row]!
    }
    const rows = Uint32Array.from(actual.keys())
    this.#byPrediction = orderOf(rows.slice(), predicted, actual, user)
    this.#byRevenue = orderOf(
      rows.filter((row) => actual[row]! > 0),
      actual,
      actual,
      user,
    )
  }

  of(weights: Uint8Array): Figures {
    const [rowsOf, errorsOf, predictedOf, actualOf] = [
      this.#rows,
      this.#errors,
      this.#predicted,
      this.#actual,
    ]
    let rows = 0
    let errors = 0
    let predicted = 0
    let actual = 0
    for (let user = 0; user < weights.length; user++) {
      const weight = weights[user]!
      rows += weight * rowsOf[user]!
      errors += weight * errorsOf[user]!
      predicted += weight * predictedOf[user]!
      actual += weight * actualOf[user]!
    }
    const perfect = concentration(this.#byRevenue, weights, rows)
    const biasRatio = actual > 0 ? predicted / actual : NaN
    return {
      mae: errors / rows,
      normalisedGini: perfect > 0 ? concentration(this.#byPrediction, weights, rows) / perfect : NaN,
      biasRatio,
      biasDistance: Math.abs(Math.log(biasRatio)),
    }
  }

  /**
   * The standard errors of the figures of so weighted users, from sums: of the mean and the ratios by linearisation. The Gini's would
   * cost more than the Gini; it is 1, which leaves the Gini as it is.
   */
  errorsOf({ mae, biasRatio }: Figures, weights: Uint8Array): Figures {
    const [rowsOf, errorsOf, predictedOf, actualOf] = [
      this.#rows,
      this.#errors,
      this.#predicted,
      this.#actual,
    ]
    let rows = 0
    let actual = 0
    let errorSquares = 0
    let biasSquares = 0
    for (let user = 0; user < weights.length; user++) {
      const weight = weights[user]!
      const error = errorsOf[user]! - mae * rowsOf[user]!
      const excess = predictedOf[user]! - biasRatio * actualOf[user]!
      rows += weight * rowsOf[user]!
      actual += weight * actualOf[user]!
      errorSquares += weight * error * error // ** is several times slower
      biasSquares += weight * excess * excess
    }
    const ofBias = Math.sqrt(biasSquares) / actual
    return {
      mae: Math.sqrt(errorSquares) / rows,
      normalisedGini: 1,
      biasRatio: ofBias,
      biasDistance: ofBias / biasRatio,
    }
  }
}

function orderOf(rows: Uint32Array, scores: Float64Array, actual: Float64Array, user: Uint32Array): Order {
  rows.sort((a, b) => scores[b]! - scores[a]!)
  const ties: { start: number; end: number }[] = []
  for (let start = 0, end = 0; start < rows.length; start = end) {
    let paid = false
    for (; end < rows.length && scores[rows[end]!] === scores[rows[start]!]; end++)
      paid ||= actual[rows[end]!]! > 0
    if (paid) ties.push({ start, end })
  }
  return {
    user: rows.map((row) => user[row]!),
    actual: Float64Array.from(rows, (row) => actual[row]!),
    start: Uint32Array.from(ties, ({ start }) => start),
    end: Uint32Array.from(ties, ({ end }) => end),
  }
}

/**
 * The sum of revenue × (rows + 1 − 2 × middle rank). With n rows, a tie of t rows that has b before it has the middle rank
 * b + (t + 1) / 2, so the factor is n − 2 b − t: rows behind the tie less rows before it.
 */
function concentration({ user, actual, start, end }: Order, weights: Uint8Array, rows: number): number {
  let sum = 0
  let before = 0
  let place = 0
  for (let tie = 0; tie < start.length; tie++) {
    for (const first = start[tie]!; place < first; place++) before += weights[user[place]!]!
    let tied = 0
    let revenue = 0
    for (const last = end[tie]!; place < last; place++) {
      const weight = weights[user[place]!]!
      tied += weight
      revenue += weight * actual[place]!
    }
    sum += revenue * (rows - 2 * before - tied)
    before += tied
  }
  return sum
}
