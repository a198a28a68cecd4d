/**
 * Simulated players of whom the truth is known: most bring nothing, the rest log-normal revenue that depends on a quality which
 * models see with noise. Models of equal noise and level are equally good.
 */
import type { Pairs } from '../../src/experiments/difference.ts'
import type { Predictions } from '../../src/experiments/figures.ts'
import { randomFrom } from '../prediction-log/log.ts'

export interface Model {
  /** Standard deviation of the logarithm of what it predicts, around the truth. */
  readonly noise: number
  /** 1 is unbiased. */
  readonly level: number
}

export const FAIR: Model = { noise: 0.5, level: 1 }

export class Players {
  readonly #random: () => number
  readonly #sigma: number

  /** @param sigma of the logarithm of a payer's revenue, given his quality */
  constructor(seed: number, sigma: number) {
    this.#random = randomFrom(seed)
    this.#sigma = sigma
  }

  pairs(users: number, champion: Model, challenger: Model): Pairs {
    const { actual, predicted } = this.#ask(users, [champion, challenger])
    return { actual, champion: predicted[0]!, challenger: predicted[1]!, user: numbers(users), users }
  }

  arm(users: number, model: Model): Predictions {
    const { actual, predicted } = this.#ask(users, [model])
    return { actual, predicted: predicted[0]!, user: numbers(users), users }
  }

  /** How many of so many have such luck. */
  count(users: number, chance: number): number {
    let count = 0
    for (let i = 0; i < users; i++) count += Number(this.#random() < chance)
    return count
  }

  #ask(users: number, models: readonly Model[]) {
    const actual = new Float64Array(users)
    const predicted = models.map(() => new Float64Array(users))
    for (let user = 0; user < users; user++) {
      const quality = this.#normal()
      const chanceToPay = 1 / (1 + 9 * Math.exp(-quality))
      const revenue = 3 * Math.exp(0.7 * quality)
      if (this.#random() < chanceToPay) actual[user] = revenue * this.#logNormal(this.#sigma)
      for (const [i, { noise, level }] of models.entries())
        predicted[i]![user] = level * chanceToPay * revenue * this.#logNormal(noise)
    }
    return { actual, predicted }
  }

  /** Of mean 1. */
  #logNormal(sigma: number): number {
    return Math.exp(sigma * this.#normal() - (sigma * sigma) / 2)
  }

  /** Box and Muller's. */
  #normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random())
  }
}

const numbers = (users: number): Uint32Array => Uint32Array.from({ length: users }, (_, user) => user)

export const NO_PAIRS: Pairs = {
  actual: new Float64Array(),
  champion: new Float64Array(),
  challenger: new Float64Array(),
  user: new Uint32Array(),
  users: 0,
}

export const NO_ARM: Predictions = {
  actual: new Float64Array(),
  predicted: new Float64Array(),
  user: new Uint32Array(),
  users: 0,
}
