/**
 * The little of WebAssembly's binary format that `wasm.ts` writes: opcodes, instructions with their operands, one module with
 * one function (WebAssembly Core Specification, chapter 5, "Binary Format").
 */

export const SELECT = 0x1b
export const LT_U = 0x49
export const GT_U = 0x4b
export const LE_U = 0x4d
export const F64_EQ = 0x61
export const F64_NE = 0x62
export const F64_LT = 0x63
export const F64_LE = 0x65
export const ADD = 0x6a
export const SUB = 0x6b
export const AND = 0x71
export const OR = 0x72
export const SHL = 0x74
export const SHR_U = 0x76
export const F64_ABS = 0x99
export const F64_ADD = 0xa0

const I32 = 0x7f
const F64 = 0x7c
const NOTHING = 0x40
const END = 0x0b

export const get = (local: number): number[] => [0x20, ...unsigned(local)]
export const set = (local: number): number[] => [0x21, ...unsigned(local)]
export const tee = (local: number): number[] => [0x22, ...unsigned(local)]
export const constant = (value: number): number[] => [0x41, ...signed(value)]
export const double = (value: number): number[] => [0x44, ...new Uint8Array(Float64Array.of(value).buffer)]
export const load = (offset: number): number[] => [0x28, 2, ...unsigned(offset)]
export const loadDouble = (offset: number): number[] => [0x2b, 3, ...unsigned(offset)]
export const store = (offset: number): number[] => [0x36, 2, ...unsigned(offset)]
export const storeDouble = (offset: number): number[] => [0x39, 3, ...unsigned(offset)]

/** Runs `body`, which leaves a number on the stack, until that number is 0. */
export const loop = (body: readonly number[]): number[] => [0x03, NOTHING, ...body, 0x0d, 0, END]

/** A module that imports a memory and exports `score`, a function without arguments or result. */
export function moduleOf(code: {
  readonly integers: number
  readonly doubles: number
  readonly body: readonly number[]
  readonly pages: number
}): Uint8Array<ArrayBuffer> {
  const locals = [2, ...unsigned(code.integers), I32, ...unsigned(code.doubles), F64]
  const body = [...locals, ...code.body, END]
  const name = [...'score'].map((letter) => letter.charCodeAt(0))
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 0, 0]), // type 0: () → ()
    ...section(2, [1, 0, 0, 2, 0, ...unsigned(code.pages)]), // memory, from the module and of the name ''
    ...section(3, [1, 0]),
    ...section(7, [1, name.length, ...name, 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ])
}

const section = (id: number, content: readonly number[]): number[] => [
  id,
  ...unsigned(content.length),
  ...content,
]

/** LEB128 */
function unsigned(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value >>> 0; ; rest >>>= 7) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest & 127) | 128)
  }
}

function signed(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value | 0; ; rest >>= 7) {
    if (rest >= -64 && rest < 64) return [...bytes, rest & 127]
    bytes.push((rest & 127) | 128)
  }
}
