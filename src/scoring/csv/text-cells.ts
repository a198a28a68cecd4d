/**
 * The bytes of a cell → its text, remembered: texts repeat, and making one of bytes takes longer than finding it again.
 */
import { isUtf8 } from 'node:buffer'
import { textFault, type TextField } from '../../features/index.ts'

/** Of a field. Then the memory begins anew. */
const MOST_TEXTS = 4096
/** Twice as many places, so that a search is short. */
const PLACES = 8192

interface Known {
  readonly bytes: Uint8Array
  /** Null: the cell is empty, or something is wrong with it. */
  readonly text: string | null
  readonly fault: string | null
}

export class TextCells {
  readonly #field: TextField
  #places: (Known | undefined)[] = Array.from({ length: PLACES })
  #count = 0
  /** What is wrong with the last text that was asked for. */
  fault: string | null = null

  constructor(field: TextField) {
    this.#field = field
  }

  /** The text of the bytes from `from` up to `to`; null for none, and where `fault` says what is wrong. */
  read(bytes: Uint8Array, from: number, to: number): string | null {
    if (from === to) {
      this.fault = null
      return null
    }
    // FNV-1a
    let hash = 0x811c9dc5
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
    let place = (hash ^ (hash >>> 15)) & (PLACES - 1)
    for (let known; (known = this.#places[place]); place = (place + 1) & (PLACES - 1)) {
      if (!isSame(known.bytes, bytes, from, to)) continue
      this.fault = known.fault
      return known.text
    }
    const known = this.#learn(bytes.slice(from, to))
    if (this.#count >= MOST_TEXTS) {
      this.#places = Array.from({ length: PLACES })
      this.#count = 0
    } else {
      this.#places[place] = known
      this.#count++
    }
    this.fault = known.fault
    return known.text
  }

  #learn(bytes: Uint8Array): Known {
    if (!isUtf8(bytes)) return { bytes, text: null, fault: `${this.#field}: expected UTF-8, got other bytes` }
    const text = decoder.decode(bytes)
    const fault = textFault(this.#field, text)
    return { bytes, text: fault === null ? text : null, fault }
  }
}

function isSame(known: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (known.length !== to - from) return false
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[from + i]) return false
  return true
}

/** A mark in a text is a character of it. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
