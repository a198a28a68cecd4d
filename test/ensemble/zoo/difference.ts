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

/**
 * LightGBM's own contributions lose their digits in deep trees, and become NaN beside a leaf without rows. Where they do not sum
 * up to its raw score, others are as good if they do.
 * @param width the contributions of one row and class, the expected value among them
 * @param raw LightGBM's raw score for each of these
 */
export function contributionDifference(
  actual: Numbers,
  expected: Numbers,
  width: number,
  raw: Float64Array,
): string {
  const parts = (numbers: Numbers, index: number): Numbers =>
    numbers.subarray(index - (index % width), index - (index % width) + width)
  return difference(actual, expected, width, (a, b, index) => {
    const isSame =
      Number.isFinite(a) && Number.isFinite(b)
        ? Math.abs(a - b) <= CONTRIBUTION_TOLERANCE * sizeOf(parts(expected, index))
        : Object.is(a, b)
    const score = raw[Math.floor(index / width)]!
    return isSame || (!sumsUp(parts(expected, index), score) && sumsUp(parts(actual, index), score))
  })
}

function sumsUp(parts: Numbers, score: number): boolean {
  const sum = (parts as Float64Array).reduce((total, part) => total + part, 0)
  return Math.abs(sum - score) <= CONTRIBUTION_TOLERANCE * sizeOf(parts)
}

/** The sum of the absolute parts. */
function sizeOf(parts: Numbers): number {
  let sum = 0
  for (const part of parts) if (Number.isFinite(part)) sum += Math.abs(part)
  return Math.min(sum, Number.MAX_VALUE)
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
