/**
 * How much each input field has to do with the offset of a row: Shapley values of the offset's own formula, against a row of which
 * nothing is known. The plan says what an unknown value means, so "unknown" needs no invention: the offset is computed with some
 * of its inputs known and the others null, and an input is given the mean of what it changes, over the orders in which they become
 * known: over all orders of up to MAX_EXACT_INPUTS, and over some of more. Base and shares sum up to the offset.
 *
 * Where some set has no finite offset (the logarithm of nothing), there is no such difference: then the base is 0 and the shares are equal.
 */
import type { InputSchema, Row, Value } from '../inputs/index.ts'
import { columnsBehind } from './inputs.ts'
import type { Column } from './operators.ts'

export interface OffsetShares {
  /** The offset of a row of which nothing is known. */
  readonly base: number
  /** By the name of the field. */
  readonly shares: ReadonlyMap<string, number>
}

/** There are 2ⁿ sets of n inputs. */
const MAX_EXACT_INPUTS = 12
/** Of more inputs: offsets that are computed at most, in whole orders and no fewer than two of them. */
const MAX_OFFSETS = 4096

/**
 * @param at the offset's column
 * @param inputs positions of the fields that the offset is made from
 */
export function offsetSharing(
  columns: readonly Column[],
  at: number,
  inputs: readonly number[],
  schema: InputSchema,
): (row: Row) => OffsetShares {
  const behind = columnsBehind(columns, at)
  const cells = new Float64Array(at + 1)
  const known: Value[] = schema.fields.map(() => null)
  const names = inputs.map((field) => schema.fields[field]!.name)
  const sharesOf = inputs.length <= MAX_EXACT_INPUTS ? exactly(inputs.length) : overSomeOrders(inputs.length)

  return (row) => {
    const { base, shares } = sharesOf((isKnown) => {
      for (let i = 0; i < inputs.length; i++) known[inputs[i]!] = isKnown(i) ? row[inputs[i]!]! : null
      for (const column of behind) cells[column] = columns[column]!.cell(known, cells)
      return cells[at]!
    })
    return { base, shares: new Map(names.map((name, i) => [name, shares[i]!])) }
  }
}

/** The offset of a row of which some inputs are known. */
type OffsetOf = (isKnown: (input: number) => boolean) => number
type SharesOf = (offsetOf: OffsetOf) => { readonly base: number; readonly shares: Float64Array }

/** Over all orders of n inputs, by way of their sets. */
function exactly(n: number): SharesOf {
  const sets = 1 << n
  const offsets = new Float64Array(sets)
  const weights = weightsBySize(n)
  return (offsetOf) => {
    for (let set = 0; set < sets; set++) offsets[set] = offsetOf((i) => ((set >> i) & 1) === 1)
    if (!offsets.every(Number.isFinite)) return equally(offsets[sets - 1]!, n)
    return { base: offsets[0]!, shares: Float64Array.from({ length: n }, (_, i) => shapleyValue(i)) }
  }

  function shapleyValue(i: number): number {
    let value = 0
    for (let set = 0; set < sets; set++)
      if (!((set >> i) & 1)) value += weights[sizeOf(set)]! * (offsets[set | (1 << i)]! - offsets[set]!)
    return value
  }
}

/**
 * Over the same orders each time: turns of the inputs' own order, from evenly spaced beginnings, each forwards and backwards. In every
 * order the changes sum up to the offset, and so do their means.
 */
function overSomeOrders(n: number): SharesOf {
  const turns = Math.max(1, Math.min(n, Math.floor(MAX_OFFSETS / (2 * n))))
  return (offsetOf) => {
    const base = offsetOf(() => false)
    const total = offsetOf(() => true)
    const shares = new Float64Array(n)
    for (let turn = 0; turn < turns; turn++) {
      const first = Math.floor((turn * n) / turns)
      for (const isForwards of [true, false]) {
        let before = base
        for (let step = 1; step <= n; step++) {
          // From `first` on, `step` inputs of the turn are known; backwards its last ones.
          const placeOf = (i: number) => (i - first + n) % n
          const offset = offsetOf((i) => (isForwards ? placeOf(i) < step : placeOf(i) >= n - step))
          if (!Number.isFinite(offset)) return equally(total, n)
          const place = isForwards ? step - 1 : n - step
          shares[(place + first) % n]! += (offset - before) / (2 * turns)
          before = offset
        }
      }
    }
    return Number.isFinite(base) ? { base, shares } : equally(total, n)
  }
}

function equally(offset: number, n: number): ReturnType<SharesOf> {
  return { base: 0, shares: new Float64Array(n).fill(offset / n) }
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
