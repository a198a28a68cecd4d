/**
 * The bytes of a short decimal number → the nearest double; NaN for anything else, and that is for slower rules to read.
 */
const ZERO = 48
const NINE = 57
const POINT = 46
/** Digits whose number is exact as a double; so is the power of ten that parts it, and one division rounds once. */
const EXACT_DIGITS = 15
const POWERS_OF_TEN = Float64Array.from({ length: EXACT_DIGITS + 1 }, (_, power) => 10 ** power)

export function readDecimal(bytes: Uint8Array, from: number, to: number): number {
  if (to - from > EXACT_DIGITS) return NaN
  let digits = 0
  let point = -1
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!
    if (byte >= ZERO && byte <= NINE) digits = digits * 10 + (byte - ZERO)
    else if (byte === POINT && point < 0) point = i
    else return NaN
  }
  if (point < 0) return to > from ? digits : NaN
  return to - from > 1 ? digits / POWERS_OF_TEN[to - point - 1]! : NaN
}
