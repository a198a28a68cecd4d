/**
 * The WebAssembly kernel: packed trees → a module written for this model, byte by byte, that ranks a row and streams it
 * through the trees as `stream.ts` does, with five walks side by side and addresses instead of indexes.
 *
 * Memory: slots | row | result | records of the rankings | thresholds | lists of leaves | words | values. Constants of the model (masks,
 * shifts, where the walks begin and end) are part of the code. Needs no file and no compiler.
 */
import { fillCategorySlots, type Packed } from './packed.ts'
import type { Kernel } from './stream.ts'
import { MISSING_NONE, MISSING_ZERO } from './tree.ts'
import * as op from './wasm-code.ts'

/** What is used here of the platform's WebAssembly; TypeScript knows it only among the browser's types. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer }
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object
  readonly Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: Readonly<Record<string, unknown>> }
}

const WALKS = 5
/** Steps of each walk before the code asks whether all are done. */
const STEPS = 4
/** Bytes from slot to slot: with the two low bits and the leaf bit of a word masked out, its slot field is the address. */
const SLOT_BYTES = 8
const RECORD_BYTES = 32
/** A slot holds the rank where a word holds its threshold's, so that one unsigned comparison decides. */
const LOW = 0
const HIGH = -1

/** @returns null where WebAssembly does not exist or is not allowed */
export function wasmKernel(packed: Packed, featureCount: number): Kernel | null {
  const plan = planMemory(packed, featureCount)
  let memory: { readonly buffer: ArrayBuffer }
  let score: () => void
  try {
    memory = new WebAssembly.Memory({ initial: Math.ceil(plan.end / 65_536) })
    const module = new WebAssembly.Module(writeModule(packed, plan))
    score = new WebAssembly.Instance(module, { '': { '': memory } }).exports['score'] as () => void
  } catch {
    return null // no WebAssembly, or a content security policy without 'wasm-unsafe-eval'
  }
  fillMemory(packed, plan, memory.buffer)
  const row = new Float64Array(memory.buffer, plan.row, featureCount)
  const result = new Float64Array(memory.buffer, plan.result, 1)
  const slots = new Int32Array(memory.buffer, 0, packed.slotCount * (SLOT_BYTES / 4))
  const { categorySlots } = packed
  return {
    name: 'wasm',
    score(rows, start, out, at) {
      for (let i = 0; i < featureCount; i++) row[i] = rows[start + i]!
      fillCategorySlots(categorySlots, rows, start, slots, SLOT_BYTES / 4, LOW, HIGH)
      score()
      out[at] = result[0]!
    },
  }
}

/** Byte offsets. */
interface MemoryPlan {
  readonly row: number
  readonly result: number
  readonly records: number
  readonly thresholds: number
  readonly words: number
  readonly values: number
  readonly end: number
  /** A walk's first tree, the one behind its last, and the list of its leaves. */
  readonly walks: readonly { readonly first: number; readonly last: number; readonly leaves: number }[]
}

function planMemory({ slotCount, rankings, roots, words }: Packed, featureCount: number): MemoryPlan {
  let end = 0
  const take = (bytes: number): number => {
    const start = end
    end = Math.ceil((start + bytes) / 64) * 64 // cache lines
    return start
  }
  take(slotCount * SLOT_BYTES)
  const row = take(featureCount * 8)
  const result = take(8)
  const records = take(rankings.length * RECORD_BYTES)
  const thresholds = take(rankings.reduce((sum, ranking) => sum + ranking.thresholds.length * 8, 0))
  const treeCount = roots.length - 1
  const walks = Array.from({ length: WALKS }, (_, k) => {
    const first = Math.round((k * treeCount) / WALKS)
    const last = Math.round(((k + 1) * treeCount) / WALKS)
    return { first, last, leaves: take((treeCount - first + 1) * 4) } // a walk may run on to the last tree
  })
  const wordsAt = take(words.length * 4)
  const values = take(words.length * 8)
  return { row, result, records, thresholds, words: wordsAt, values, end, walks }
}

function fillMemory({ words, values, rankings }: Packed, plan: MemoryPlan, buffer: ArrayBuffer): void {
  const integers = new Int32Array(buffer)
  const doubles = new Float64Array(buffer)
  integers[0] = HIGH
  integers.set(words, plan.words / 4)
  doubles.set(values, plan.values / 8)
  let at = plan.thresholds
  rankings.forEach(({ feature, missing, thresholds, leftSlot, rightSlot }, i) => {
    doubles.set(thresholds, at / 8)
    const half = ((thresholds.length + 1) / 2) * 8
    const canBeMissing = missing === MISSING_NONE ? 0 : 1
    const zeroIsMissing = missing === MISSING_ZERO ? 1 : 0
    integers.set(
      [feature * 8, at - 8, half, canBeMissing, zeroIsMissing, leftSlot * SLOT_BYTES, rightSlot * SLOT_BYTES],
      (plan.records + i * RECORD_BYTES) / 4,
    )
    at += thresholds.length * 8
  })
}

const RECORD = {
  feature: 0,
  thresholds: 4,
  half: 8,
  canBeMissing: 12,
  zeroIsMissing: 16,
  left: 20,
  right: 24,
}

/** Local variables of the one function; those of the walks follow. */
const TEMP = 0 // the record, then the place in a list
const PLACE = 1
const HALF = 2
const KEY = 3 // the rank in place, and the word of a node
const MISSING = 4
const NODE = 5 // + walk
const LEAVES = NODE + WALKS // + walk
const SUM = LEAVES + WALKS
const VALUE = SUM + 1

function writeModule(packed: Packed, plan: MemoryPlan): Uint8Array<ArrayBuffer> {
  const body = [...rankRow(packed, plan), ...streamTrees(packed, plan), ...sumLeaves(plan)]
  return op.moduleOf({ integers: SUM, doubles: 2, body, pages: Math.ceil(plan.end / 65_536) })
}

function rankRow({ rankings, rankShift }: Packed, plan: MemoryPlan): number[] {
  if (rankings.length === 0) return []
  const field = (offset: number): number[] => [...op.get(TEMP), ...op.load(plan.records + offset)]
  const isNaNValue = [...op.get(VALUE), ...op.get(VALUE), op.F64_NE]
  return [
    ...op.constant(0),
    ...op.set(TEMP),
    ...op.loop([
      // value = |row value| ≤ kZeroThreshold ? 0 : row value
      ...op.double(0),
      ...[...field(RECORD.feature), ...op.loadDouble(plan.row), ...op.tee(VALUE)],
      ...[
        ...op.get(VALUE),
        op.F64_ABS,
        ...op.double(Math.fround(1e-35)),
        op.F64_LE,
        op.SELECT,
        ...op.set(VALUE),
      ],
      // missing = (NaN and it can be missing) or (0 and that is missing)
      ...[...isNaNValue, ...field(RECORD.canBeMissing), op.AND],
      ...[...op.get(VALUE), ...op.double(0), op.F64_EQ, ...field(RECORD.zeroIsMissing), op.AND],
      ...[op.OR, ...op.set(MISSING)],
      // NaN ranks as 0, should it not be missing
      ...[...op.double(0), ...op.get(VALUE), ...isNaNValue, op.SELECT, ...op.set(VALUE)],
      // the binary search; `place` is the address before the first threshold that is not below
      ...[...field(RECORD.thresholds), ...op.set(PLACE), ...field(RECORD.half), ...op.set(HALF)],
      ...op.loop([
        ...[...op.get(PLACE), ...op.get(HALF), ...op.constant(0)],
        ...[...op.get(PLACE), ...op.get(HALF), op.ADD, ...op.loadDouble(0), ...op.get(VALUE), op.F64_LT],
        ...[op.SELECT, op.ADD, ...op.set(PLACE)],
        ...[...op.get(HALF), ...op.constant(1), op.SHR_U, ...op.tee(HALF), ...op.constant(4), op.GT_U],
      ]),
      ...[
        ...op.get(PLACE),
        ...field(RECORD.thresholds),
        op.SUB,
        ...op.constant(rankShift - 3),
        op.SHL,
        ...op.set(KEY),
      ],
      ...[
        ...field(RECORD.left),
        ...op.constant(LOW),
        ...op.get(KEY),
        ...op.get(MISSING),
        op.SELECT,
        ...op.store(0),
      ],
      ...[
        ...field(RECORD.right),
        ...op.constant(HIGH),
        ...op.get(KEY),
        ...op.get(MISSING),
        op.SELECT,
        ...op.store(0),
      ],
      ...[...op.get(TEMP), ...op.constant(RECORD_BYTES), op.ADD, ...op.tee(TEMP)],
      ...[...op.constant(rankings.length * RECORD_BYTES), op.LT_U],
    ]),
  ]
}

function streamTrees(packed: Packed, plan: MemoryPlan): number[] {
  const { roots, slotMask, stepShift, stepMask } = packed
  const step = (_: unknown, k: number): number[] => [
    ...[...op.get(LEAVES + k), ...op.get(NODE + k), ...op.store(0)],
    ...[...op.get(NODE + k), ...op.load(plan.words), ...op.set(KEY)],
    ...[...op.get(LEAVES + k), ...op.get(KEY), ...op.constant(4), op.AND, op.ADD, ...op.set(LEAVES + k)],
    // node += 4 × (step + (slot ≤ word))
    ...[
      ...op.get(NODE + k),
      ...op.get(KEY),
      ...op.constant(stepShift),
      op.SHR_U,
      ...op.constant(stepMask),
      op.AND,
    ],
    ...[
      ...op.get(KEY),
      ...op.constant(slotMask * SLOT_BYTES),
      op.AND,
      ...op.load(0),
      ...op.get(KEY),
      op.LE_U,
    ],
    ...[op.ADD, ...op.constant(2), op.SHL, op.ADD, ...op.set(NODE + k)],
  ]
  return [
    ...plan.walks.flatMap(({ first, leaves }, k) => [
      ...[...op.constant(roots[first]! * 4), ...op.set(NODE + k)],
      ...[...op.constant(leaves), ...op.set(LEAVES + k)],
    ]),
    ...op.loop([
      ...Array.from({ length: STEPS }, () => plan.walks.flatMap(step)).flat(),
      ...plan.walks.flatMap(({ first, last, leaves }, k) => [
        ...[...op.get(LEAVES + k), ...op.constant(leaves + (last - first) * 4), op.LT_U],
        ...(k > 0 ? [op.OR] : []),
      ]),
    ]),
  ]
}

/** In the order of the trees: another order would give another double. */
function sumLeaves(plan: MemoryPlan): number[] {
  const lists = plan.walks.filter(({ first, last }) => last > first)
  return [
    ...op.constant(plan.result),
    ...lists.flatMap(({ first, last, leaves }) => [
      ...[...op.constant(leaves), ...op.set(TEMP)],
      ...op.loop([
        ...[
          ...op.get(SUM),
          ...op.get(TEMP),
          ...op.load(0),
          ...op.constant(1),
          op.SHL,
          ...op.loadDouble(plan.values),
        ],
        ...[op.F64_ADD, ...op.set(SUM)],
        ...[
          ...op.get(TEMP),
          ...op.constant(4),
          op.ADD,
          ...op.tee(TEMP),
          ...op.constant(leaves + (last - first) * 4),
          op.LT_U,
        ],
      ]),
    ]),
    ...[...op.get(SUM), ...op.storeDouble(0)],
  ]
}
