/**
 * The bytes of a cell → its value, remembered: texts repeat, and making one of bytes takes longer than finding it again.
 */
import { type Fault, type Field, type Value, valueFromCell } from '../../inputs/index.ts'

/** Of a field. Then the memory begins anew. */
const MOST_CELLS = 4096
/** Twice as many places, so that a search is short. */
const PLACES = 8192
/** Longer cells hardly repeat. */
const LONGEST_KEPT = 256

interface Known {
  readonly bytes: Uint8Array
  readonly value: Value | Fault
}

export class TextCells {
  readonly #field: Field
  readonly #empty: Value | Fault
  /** Made with the first cell: a short input has few. */
  #places: (Known | undefined)[] | null = null
  #count = 0

  constructor(field: Field) {
    this.#field = field
    this.#empty = valueFromCell(field, '')
  }

  /** The value of the bytes from `from` up to `to`, which are UTF-8. */
  read(bytes: Uint8Array, from: number, to: number): Value | Fault {
    if (from === to) return this.#empty
    if (to - from > LONGEST_KEPT) return valueFromCell(this.#field, decoder.decode(bytes.subarray(from, to)))
    // FNV-1a
    let hash = 0x811c9dc5
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
    const places = (this.#places ??= noPlaces())
    let place = (hash ^ (hash >>> 15)) & (PLACES - 1)
    for (let known; (known = places[place]); place = (place + 1) & (PLACES - 1))
      if (isSame(known.bytes, bytes, from, to)) return known.value
    // `slice` of a Buffer would not copy, and what it is part of would be kept.
    const cell = new Uint8Array(bytes.subarray(from, to))
    const value = valueFromCell(this.#field, decoder.decode(cell))
    if (this.#count >= MOST_CELLS) {
      this.#places = null
      this.#count = 0
    } else {
      places[place] = { bytes: cell, value }
      this.#count++
    }
    return value
  }
}

const noPlaces = (): (Known | undefined)[] => Array<Known | undefined>(PLACES).fill(undefined)

function isSame(known: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (known.length !== to - from) return false
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[from + i]) return false
  return true
}

/** A mark in a text is a character of it. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
