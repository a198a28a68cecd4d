/**
 * Finds the first place where two lists of numbers differ, and says it in words a person can act on. Exact is bit for bit, but
 * for the bits of NaN; ulps are the doubles that lie between; parts are compared by the sum of a row's absolute parts.
 */
export const NONE = 'no difference'

type Numbers = Float64Array | Int32Array
type Alike = (actual: number, expected: number, index: number) => boolean

const CONTRIBUTION_TOLERANCE = 1e-9

/** @param width the numbers of one row */
export function exactDifference(actual: Numbers, expected: Numbers, width: number): string {
  return difference(actual, expected, width, Object.is)
}

export function ulpDifference(actual: Numbers, expected: Numbers, width: number, most: number): string {
  return difference(actual, expected, width, (a, b) => ulpsBetween(a, b) <= most)
}

/** @param width the contributions of one row and class, the expected value among them */
export function contributionDifference(actual: Numbers, expected: Numbers, width: number): string {
  return difference(actual, expected, width, (a, b, index) => {
    if (!Number.isFinite(a) || !Number.isFinite(b)) return Object.is(a, b)
    const start = index - (index % width)
    let sum = 0
    for (let i = start; i < start + width; i++)
      if (Number.isFinite(expected[i])) sum += Math.abs(expected[i]!)
    return Math.abs(a - b) <= CONTRIBUTION_TOLERANCE * Math.min(sum, Number.MAX_VALUE)
  })
}

export function ulpsBetween(a: number, b: number): number {
  if (Object.is(a, b)) return 0
  if (!Number.isFinite(a) || !Number.isFinite(b)) return Infinity
  const distance = orderOf(a) - orderOf(b)
  return Number(distance < 0n ? -distance : distance)
}

function difference(actual: Numbers, expected: Numbers, width: number, alike: Alike): string {
  if (actual.length !== expected.length) return `expected ${expected.length} numbers, got ${actual.length}`
  for (let index = 0; index < expected.length; index++) {
    if (alike(actual[index]!, expected[index]!, index)) continue
    const place = `row ${Math.floor(index / width)}, number ${index % width}`
    return `${place}: expected ${expected[index]}, got ${actual[index]} (${ulpsBetween(actual[index]!, expected[index]!)} ulp)`
  }
  return NONE
}

const cell = new DataView(new ArrayBuffer(8))

/** A double's place among all doubles; both zeros have the same. */
function orderOf(value: number): bigint {
  cell.setFloat64(0, value)
  const bits = cell.getBigInt64(0)
  return bits < 0n ? -(bits & 0x7fffffffffffffffn) : bits
}
