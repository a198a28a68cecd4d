/**
 * exp as glibc computes it, but without its fused multiply-add: exp(x) = 2^(k/128) · e^r, from a table and a polynomial of degree
 * five. The two differ for less than one argument in a thousand; `Math.exp` and glibc for one in ten, and softmax adds up as many of
 * them as there are classes. Coefficients: ARM's optimized-routines, math/exp_data.c.
 */
const N = 128
const N_OVER_LN2 = 184.6649652337873
/** −ln 2 / 128, in two parts: the first has trailing zeros, so that its products are exact. */
const HIGH = -0.005415212348111709
const LOW = -1.2864023111638346e-14
const C2 = 0.49999999999996786
const C3 = 0.16666666666665886
const C4 = 0.0416666808410674
const C5 = 0.008333335853059549
/** Added and taken away again, it rounds to a whole number. */
const ROUNDER = 1.5 * 2 ** 52
/** Below, the result is subnormal or close to it, and the scale would be. */
const LEAST = -700

/** 2^(j/128), rounded, and what is left of it relative to that. */
const POWERS = new Float64Array(N)
const REMAINDERS = new Float64Array(N)
fillTable()

/** @param x ≤ 0, as softmax has it; NaN stays NaN */
export function expOf(x: number): number {
  if (!(x >= LEAST && x <= 0)) return Math.exp(x)
  const rounded = N_OVER_LN2 * x + ROUNDER - ROUNDER
  const at = rounded & (N - 1)
  const r = x + rounded * HIGH + rounded * LOW
  const r2 = r * r
  const rest = REMAINDERS[at]! + r + r2 * (C2 + r * C3) + r2 * r2 * (C4 + r * C5)
  const scale = POWERS[at]! * 2 ** ((rounded - at) / N)
  return scale + scale * rest
}

/** By whole numbers of 200 bits: 2^(1/128) is seven square roots of 2. */
function fillTable(): void {
  const bits = 200n
  let root = 2n << bits
  for (let halvings = 0; halvings < 7; halvings++) root = squareRoot(root << bits)
  let power = 1n << bits
  for (let j = 0; j < N; j++) {
    const rounded = Number(power) / 2 ** 200
    POWERS[j] = rounded
    const exact = BigInt(rounded * 2 ** 52) << (bits - 52n)
    REMAINDERS[j] = Number(((power - exact) << bits) / exact) / 2 ** 200
    power = (power * root) >> bits
  }
}

/** Newton's method from above. */
function squareRoot(value: bigint): bigint {
  let root = value
  for (let next = (root + 1n) >> 1n; next < root; next = (root + value / root) >> 1n) root = next
  return root
}
