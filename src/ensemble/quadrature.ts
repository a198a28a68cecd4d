/**
 * Gauss–Legendre quadrature from 0 to 1: `count` places and weights with which the integral of a polynomial up to the degree
 * 2 · count − 1 is a sum, exactly. The places are the roots of the Legendre polynomial, found by Newton's method.
 */
export interface Quadrature {
  /** Ascending, from 0 to 1. */
  readonly places: Float64Array
  readonly weights: Float64Array
}

/** Newton's method doubles the digits each time, from a start that has two of them. */
const STEPS = 6

export function quadratureOf(count: number): Quadrature {
  const places = new Float64Array(count)
  const weights = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    let x = Math.cos((Math.PI * (count - i - 0.25)) / (count + 0.5))
    let slope = 1
    for (let step = 0; step < STEPS; step++) {
      const { value, derivative } = legendre(count, x)
      slope = derivative
      x -= value / derivative
    }
    places[i] = (1 + x) / 2
    weights[i] = 1 / ((1 - x * x) * slope * slope)
  }
  return { places, weights }
}

/** The Legendre polynomial of this degree, by Bonnet's recursion, and its derivative; −1 < x < 1. */
function legendre(degree: number, x: number): { readonly value: number; readonly derivative: number } {
  let before = 1
  let value = x
  for (let n = 2; n <= degree; n++) {
    const next = ((2 * n - 1) * x * value - (n - 1) * before) / n
    before = value
    value = next
  }
  return { value, derivative: (degree * (x * value - before)) / (x * x - 1) }
}
