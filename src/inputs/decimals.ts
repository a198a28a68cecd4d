/**
 * A decimal text → the nearest double: digits with at most one point, a sign and an exponent; no blanks, no `Infinity`, no `0x10`, no
 * `1_000`, no digits of other alphabets.
 */
const DECIMAL = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/

/** NaN if it is none; an infinity if no double can hold it. */
export const parseDecimal = (text: string): number => (DECIMAL.test(text) ? Number(text) + 0 : NaN) // -0 becomes 0
