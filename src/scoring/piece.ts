/**
 * What passes between the thread that reads and writes and those that score: a piece of the file there, its answers back. Pieces are
 * answered in any order and written in their own.
 */
import type { Layout } from './layout.ts'
import type { BundleParts } from '../bundle/index.ts'
import type { UnknownCount } from './unknown-values.ts'

export type Piece =
  /** Whole rows: `length` bytes of a buffer that comes back with the answer. */
  | { readonly kind: 'bytes'; readonly buffer: ArrayBuffer; readonly length: number }
  /** Rows of a Parquet file, by number. */
  | { readonly kind: 'rows'; readonly start: number; readonly end: number }

/** What is wrong with a row. */
export interface Fault {
  /** From the first line of the piece, which is 0; in a Parquet file the row. */
  readonly line: number
  readonly error: string
  /** The row as text, or its beginning. */
  readonly row: string
}

export interface Scored {
  readonly output: Uint8Array<ArrayBuffer>
  readonly predicted: number
  readonly faults: readonly Fault[]
  /** Of the rows that were predicted. */
  readonly unknown: readonly UnknownCount[]
  /** Lines of the piece. */
  readonly lines: number
  /** Buffers that are not needed any more. */
  readonly spares: readonly ArrayBuffer[]
}

/** What a thread begins with. */
export interface ThreadSetup {
  readonly parts: BundleParts
  /** Of each part. */
  readonly layouts: readonly Layout[]
  readonly explain: boolean
}

/** In one of the threads: pieces → answers. */
export interface Scorer {
  score(piece: Piece, spare: ArrayBuffer | null): Scored | Promise<Scored>
  /** No piece of its part will come. */
  close?(): Promise<void>
}

const SHOWN_BYTES = 2000

/** A row for the list of faults; what is no UTF-8 is shown as `\uFFFD`. */
export function shownRow(bytes: Uint8Array, from: number, to: number): string {
  const end = Math.min(to, from + SHOWN_BYTES)
  const text = decoder.decode(bytes.subarray(from, end))
  return end < to ? `${text}…` : text
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
