/**
 * The number that is answered for a computed one: six decimals, half up on the double's exact value, which `Math.round(x * 1e6) / 1e6`
 * is not.
 */
export function roundTo6(value: number): number {
  return Number(value.toFixed(6))
}

/** From here on a double has fewer than six decimals. */
const FEWER_DECIMALS = 1e9

/** The shortest text of `roundTo6(value)`, for a value ≥ 0. */
export function rounded(value: number): string {
  const text = value.toFixed(6)
  // Fifteen digits are no more than a double keeps: the text is the number's own, but for zeros at its end.
  if (!(value < FEWER_DECIMALS)) return String(Number(text))
  let end = text.length
  while (text.charCodeAt(end - 1) === ZERO) end--
  return text.slice(0, text.charCodeAt(end - 1) === POINT ? end - 1 : end)
}

const ZERO = 48
const POINT = 46
