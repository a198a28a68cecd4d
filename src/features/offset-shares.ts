/**
 * How much each input field has to do with the offset of an install: Shapley values of the offset's own formula, against an install
 * of which nothing is known. The plan says what an unknown value means, so "unknown" needs no invention: the offset is computed with each
 * set of its inputs known and the others null, and an input is given the mean of what it changes, over all orders in which they become
 * known. Base and shares sum up to the offset.
 *
 * Where some set has no finite offset (the logarithm of nothing), there is no such difference: then the base is 0 and the shares are equal.
 */
import { columnsBehind } from './inputs.ts'
import type { Install, InstallField } from './install.ts'
import type { Column } from './operators.ts'

export interface OffsetShares {
  /** The offset of an install of which nothing is known. */
  readonly base: number
  readonly shares: ReadonlyMap<InstallField, number>
}

/** @param inputs the fields that the offset, column number `at`, is made from */
export function offsetSharing(
  columns: readonly Column[],
  at: number,
  inputs: readonly InstallField[],
): (install: Install) => OffsetShares {
  const behind = columnsBehind(columns, at)
  const cells = new Float64Array(at + 1)
  const sets = 1 << inputs.length
  const offsets = new Float64Array(sets)
  const weights = weightsBySize(inputs.length)

  return (install) => {
    for (let set = 0; set < sets; set++) offsets[set] = offsetOf(knownOf(install, set))
    const isFinite = offsets.every(Number.isFinite)
    const base = isFinite ? offsets[0]! : 0
    const shareOf = (i: number): number => (isFinite ? shapleyValue(i) : offsets[sets - 1]! / inputs.length)
    return { base, shares: new Map(inputs.map((field, i) => [field, shareOf(i)])) }
  }

  function knownOf(install: Install, set: number): Install {
    const known: Record<string, unknown> = {}
    inputs.forEach((field, i) => (known[field] = (set >> i) & 1 ? install[field] : null))
    return known as Install
  }

  function offsetOf(install: Install): number {
    for (const column of behind) cells[column] = columns[column]!.cell(install, cells)
    return cells[at]!
  }

  function shapleyValue(i: number): number {
    let value = 0
    for (let set = 0; set < sets; set++)
      if (!((set >> i) & 1)) value += weights[sizeOf(set)]! * (offsets[set | (1 << i)]! - offsets[set]!)
    return value
  }
}

/** Of a set of k others among n inputs: k! (n − 1 − k)! / n!, the share of the orders in which these come first. */
function weightsBySize(n: number): Float64Array {
  const weights = new Float64Array(n)
  weights[0] = 1 / n
  for (let k = 1; k < n; k++) weights[k] = (weights[k - 1]! * k) / (n - k)
  return weights
}

function sizeOf(set: number): number {
  let size = 0
  for (let rest = set; rest > 0; rest >>= 1) size += rest & 1
  return size
}
