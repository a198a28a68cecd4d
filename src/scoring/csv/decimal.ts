/**
 * The bytes of a cell → the double nearest to the decimal number that they write; NaN for anything else. As training reads them: digits with
 * at most one point, a sign and an exponent; no blanks, no `Infinity`, no `0x10`, no other alphabet's digits.
 */
const ZERO = 48
const NINE = 57
const POINT = 46
/** Digits whose number is exact as a double; so is the power of ten that parts it, and one division rounds once. */
const EXACT_DIGITS = 15
const POWERS_OF_TEN = Float64Array.from({ length: EXACT_DIGITS + 1 }, (_, power) => 10 ** power)

const DECIMAL = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/

export function readDecimal(bytes: Uint8Array, from: number, to: number): number {
  if (to - from <= EXACT_DIGITS) {
    let digits = 0
    let point = -1
    let i = from
    for (; i < to; i++) {
      const byte = bytes[i]!
      if (byte >= ZERO && byte <= NINE) digits = digits * 10 + (byte - ZERO)
      else if (byte === POINT && point < 0) point = i
      else break
    }
    if (i === to && to - from > (point < 0 ? 0 : 1))
      return point < 0 ? digits : digits / POWERS_OF_TEN[to - point - 1]!
  }
  const text = String.fromCharCode(...bytes.subarray(from, Math.min(to, from + LONGEST)))
  return to - from <= LONGEST && DECIMAL.test(text) ? Number(text) + 0 : NaN // −0 becomes 0
}

/** Longer ones are refused: nobody counts with so many digits. */
const LONGEST = 400
