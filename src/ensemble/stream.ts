/**
 * The typed-array kernel: packed trees and a row → the raw score, in plain JavaScript.
 *
 * Three walks run side by side, each through a third of the trees, so that their loads do not wait for each other. At every node
 * a walk writes down where it is, and moves on to the next place only if that was a leaf: there is no branch on the data. A
 * walk that is done early goes on into trees that are not its own, in a list of its own, until the others are done too.
 */
import { withoutDust } from './decision.ts'
import { fillCategorySlots, LEAF_BIT, type Packed, SLOT_SHIFT } from './packed.ts'
import { MISSING_NONE, MISSING_ZERO } from './tree.ts'

/** Sums the leaves of one row. The kernels differ in speed alone. */
export interface Kernel {
  readonly name: 'reference' | 'typed-array' | 'wasm'
  /**
   * Writes the raw score instead of returning it: a double that is returned may have to be put on the heap.
   * @param start where the row begins in `rows` @param at where the score goes in `out`
   */
  score(rows: Float64Array, start: number, out: Float64Array, at: number): void
}

/** A slot holds the rank less one, so that `slot − rank of the threshold` is negative exactly if the row goes left. */
const LOW = -1
const HIGH = 0x7fff_ffff

export function streamKernel(packed: Packed): Kernel {
  const { words, values, roots, slotMask, stepShift, stepMask, rankShift } = packed
  const treeCount = roots.length - 1
  const second = Math.round(treeCount / 3)
  const third = Math.round((treeCount * 2) / 3)
  const firstLeaves = new Int32Array(treeCount + 1)
  const secondLeaves = new Int32Array(treeCount - second + 1)
  const thirdLeaves = new Int32Array(treeCount - third + 1)
  const slots = new Int32Array(packed.slotCount)
  slots[0] = HIGH

  return {
    name: 'typed-array',
    score(rows, start, out, at) {
      rank(packed, rows, start, slots)
      walk(second, third - second, treeCount - third)
      let sum = 0
      for (let i = 0; i < second; i++) sum += values[firstLeaves[i]!]!
      for (let i = 0; i < third - second; i++) sum += values[secondLeaves[i]!]!
      for (let i = 0; i < treeCount - third; i++) sum += values[thirdLeaves[i]!]!
      out[at] = sum
    },
  }

  function walk(aEnd: number, bEnd: number, cEnd: number): void {
    let a = roots[0]!
    let b = roots[second]!
    let c = roots[third]!
    let aAt = 0
    let bAt = 0
    let cAt = 0
    while (aAt < aEnd || bAt < bEnd || cAt < cEnd) {
      firstLeaves[aAt] = a
      secondLeaves[bAt] = b
      thirdLeaves[cAt] = c
      const v = words[a]!
      const w = words[b]!
      const x = words[c]!
      aAt += (v >>> LEAF_BIT) & 1
      bAt += (w >>> LEAF_BIT) & 1
      cAt += (x >>> LEAF_BIT) & 1
      a +=
        ((v >>> stepShift) & stepMask) - ((slots[(v >>> SLOT_SHIFT) & slotMask]! - (v >>> rankShift)) >> 31)
      b +=
        ((w >>> stepShift) & stepMask) - ((slots[(w >>> SLOT_SHIFT) & slotMask]! - (w >>> rankShift)) >> 31)
      c +=
        ((x >>> stepShift) & stepMask) - ((slots[(x >>> SLOT_SHIFT) & slotMask]! - (x >>> rankShift)) >> 31)
    }
  }
}

/** The rank of a value is the number of thresholds below it, found by halving. */
function rank(packed: Packed, rows: Float64Array, start: number, slots: Int32Array): void {
  const { rankings } = packed
  for (let i = 0; i < rankings.length; i++) {
    const { feature, missing, thresholds, leftSlot, rightSlot } = rankings[i]!
    let value = withoutDust(rows[start + feature]!)
    if (missing === MISSING_ZERO ? !(value < 0 || value > 0) : missing !== MISSING_NONE && value !== value) {
      slots[leftSlot] = LOW
      slots[rightSlot] = HIGH
      continue
    }
    if (value !== value) value = 0
    let below = -1
    for (let half = (thresholds.length + 1) >> 1; half > 0; half >>= 1)
      below += half & -+(thresholds[below + half]! < value)
    slots[leftSlot] = below
    slots[rightSlot] = below
  }
  fillCategorySlots(packed.categorySlots, rows, start, slots, 1, LOW, HIGH)
}
