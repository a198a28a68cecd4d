/**
 * The natural logarithm by + − × ÷ alone, so that Python and JavaScript compute the same double: `Math.log` and the C library's
 * log differ in the last bit on some arguments. x = m · 2ᵏ with m near 1, and log m = 2 artanh s with s = (m − 1) / (m + 1),
 * summed as a series of fixed length. The error is below two units in the last place.
 * `training/day7_training/features/logarithm.py` has the same operations in the same order.
 */

const SQRT_HALF = 0.7071067811865476
/** log 2 in two parts: the first has so few digits that k times it is exact. */
const LN2_HIGH = 0.69314718036912381649
const LN2_LOW = 1.90821492927058770002e-10
/** s is at most 0.1716: the first term left out is below 2⁻⁵⁸ of the sum. */
const TERMS = 11
/** Of term n: 1 / (2n + 1). */
const FACTORS = Float64Array.from({ length: TERMS + 1 }, (_, term) => 1 / (2 * term + 1))

const TWO_TO_54 = 2 ** 54

/** A double's first 32 bits: sign, eleven bits of exponent, the first twenty of the digits. */
const bits = new DataView(new ArrayBuffer(8))
const EXPONENT_SHIFT = 20
const MANTISSA_BITS = 0x000f_ffff
/** Of the doubles from ½ to 1. */
const HALF_EXPONENT = 1022

/** −∞ at 0, NaN below 0 and at NaN, ∞ at ∞. */
export function naturalLog(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN
  if (x === Infinity) return Infinity
  let k = 0
  let mantissa = x
  // Powers of two multiply exactly; a subnormal number is brought into the normal range first.
  if (mantissa < 2 ** -1022) {
    mantissa *= TWO_TO_54
    k -= 54
  }
  bits.setFloat64(0, mantissa)
  const high = bits.getInt32(0)
  k += (high >> EXPONENT_SHIFT) - HALF_EXPONENT
  // The same digits with the exponent of a half.
  bits.setInt32(0, (high & MANTISSA_BITS) | (HALF_EXPONENT << EXPONENT_SHIFT))
  mantissa = bits.getFloat64(0)
  if (mantissa < SQRT_HALF) {
    mantissa *= 2
    k -= 1
  }
  const s = (mantissa - 1) / (mantissa + 1)
  const square = s * s
  let series = 0
  for (let term = TERMS; term > 0; term--) series = square * (FACTORS[term]! + series)
  return k * LN2_HIGH + (2 * s + (2 * s * series + k * LN2_LOW))
}
