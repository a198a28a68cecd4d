/**
 * The bytes of a field's cell → its value, remembered: cells repeat, and making a value of bytes takes longer than finding it again.
 */
import { isUtf8 } from 'node:buffer'
import { Fault, type Field, type Value, valueFromCell } from '../../inputs/index.ts'

/** Of a field. Then the memory begins anew. */
const MOST_CELLS = 4096
/** Twice as many places, so that a search is short. */
const PLACES = 8192

interface Known {
  readonly bytes: Uint8Array
  /** Null also where something is wrong with it. */
  readonly value: Value
  readonly fault: string | null
}

export class ValueCells {
  readonly #field: Field
  readonly #empty: Known
  #places: (Known | undefined)[] = Array.from({ length: PLACES })
  #count = 0
  /** What is wrong with the last cell that was asked for. */
  fault: string | null = null

  constructor(field: Field) {
    this.#field = field
    this.#empty = this.#learn(new Uint8Array(0))
  }

  /** The value of the bytes from `from` up to `to`; null where `fault` says what is wrong, too. */
  read(bytes: Uint8Array, from: number, to: number): Value {
    if (from === to) {
      this.fault = this.#empty.fault
      return null
    }
    // FNV-1a
    let hash = 0x811c9dc5
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
    let place = (hash ^ (hash >>> 15)) & (PLACES - 1)
    for (let known; (known = this.#places[place]); place = (place + 1) & (PLACES - 1)) {
      if (!isSame(known.bytes, bytes, from, to)) continue
      this.fault = known.fault
      return known.value
    }
    const known = this.#learn(bytes.slice(from, to))
    if (this.#count >= MOST_CELLS) {
      this.#places = Array.from({ length: PLACES })
      this.#count = 0
    } else {
      this.#places[place] = known
      this.#count++
    }
    this.fault = known.fault
    return known.value
  }

  #learn(bytes: Uint8Array): Known {
    if (!isUtf8(bytes))
      return { bytes, value: null, fault: `${this.#field.name}: expected UTF-8, got other bytes` }
    const value = valueFromCell(this.#field, decoder.decode(bytes))
    return value instanceof Fault
      ? { bytes, value: null, fault: value.message }
      : { bytes, value, fault: null }
  }
}

function isSame(known: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (known.length !== to - from) return false
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[from + i]) return false
  return true
}

/** A mark in a text is a character of it. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
