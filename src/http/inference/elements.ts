/**
 * Tensors of the binary tensor data extension: bytes ↔ elements. Little-endian, without gaps; an element of BYTES is its length in four
 * bytes and then itself, here in UTF-8. A NaN is null: a number that is not known.
 */
import { isUtf8 } from 'node:buffer'
import { refusal } from '../prediction.ts'

type Read = (bytes: Buffer, offset: number) => number

const READS: Readonly<Record<string, readonly [bytes: number, read: Read]>> = {
  FP64: [8, (bytes, offset) => bytes.readDoubleLE(offset)],
  FP32: [4, (bytes, offset) => bytes.readFloatLE(offset)],
  INT64: [8, (bytes, offset) => Number(bytes.readBigInt64LE(offset))],
  INT32: [4, (bytes, offset) => bytes.readInt32LE(offset)],
  INT16: [2, (bytes, offset) => bytes.readInt16LE(offset)],
  INT8: [1, (bytes, offset) => bytes.readInt8(offset)],
  UINT64: [8, (bytes, offset) => Number(bytes.readBigUInt64LE(offset))],
  UINT32: [4, (bytes, offset) => bytes.readUInt32LE(offset)],
  UINT16: [2, (bytes, offset) => bytes.readUInt16LE(offset)],
  UINT8: [1, (bytes, offset) => bytes.readUInt8(offset)],
  BOOL: [1, (bytes, offset) => bytes.readUInt8(offset)],
}

const LENGTH_BYTES = 4

/** The datatypes of a tensor of numbers. */
export const NUMBERS: readonly string[] = Object.keys(READS).filter((datatype) => datatype !== 'BOOL')
export const INTEGERS: readonly string[] = NUMBERS.filter((datatype) => !datatype.startsWith('FP'))

/** @throws 400 if the bytes are not exactly as many elements */
export function readElements(
  name: string,
  bytes: Buffer,
  datatype: string,
  count: number,
): readonly (number | string | null)[] {
  return datatype === 'BYTES' ? readTexts(name, bytes, count) : readNumbers(name, bytes, datatype, count)
}

function readNumbers(
  name: string,
  bytes: Buffer,
  datatype: string,
  count: number,
): readonly (number | null)[] {
  const [size, read] = READS[datatype]!
  if (bytes.length !== count * size)
    throw refusal(
      `${name}: expected ${count * size} bytes for ${count} elements of ${datatype}, got ${bytes.length}`,
    )
  return Array.from({ length: count }, (_, at) => {
    const value = read(bytes, at * size)
    return Number.isNaN(value) ? null : value
  })
}

function readTexts(name: string, bytes: Buffer, count: number): readonly string[] {
  const texts: string[] = []
  for (let at = 0; at < bytes.length;) {
    const length = at + LENGTH_BYTES <= bytes.length ? bytes.readUInt32LE(at) : NaN
    const end = at + LENGTH_BYTES + length
    if (!(end <= bytes.length))
      throw refusal(`${name}: expected whole elements of BYTES, got a part of number ${texts.length}`)
    const text = bytes.subarray(at + LENGTH_BYTES, end)
    if (!isUtf8(text)) throw refusal(`row ${texts.length}: ${name}: expected UTF-8, got other bytes`)
    texts.push(text.toString())
    at = end
  }
  if (texts.length !== count)
    throw refusal(`${name}: expected ${count} elements of BYTES, got ${texts.length}`)
  return texts
}

/** @param values numbers for FP64, texts for BYTES */
export function writeElements(values: readonly (number | string)[]): Buffer {
  return Buffer.concat(values.map((value) => (typeof value === 'number' ? double(value) : sized(value))))
}

function double(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
}

function sized(value: string): Buffer {
  const text = Buffer.from(value)
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32LE(text.length)
  return Buffer.concat([length, text])
}
