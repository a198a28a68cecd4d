/**
 * NDJSON as its bytes arrive → its rows, numbered. Lines of blanks are passed over.
 */
import { Fault } from '../../inputs/index.ts'
import { rowFault } from '../errors.ts'
import type { ReadRow, RowStream, RowStreamOptions } from '../install.ts'
import { tooLong } from '../csv/row.ts'
import { type Line, LineSplitter } from '../lines.ts'
import { NdjsonReader } from './line.ts'

export class NdjsonStream implements RowStream {
  readonly #maxRowBytes: number
  readonly #lines: LineSplitter
  readonly #reader: NdjsonReader

  /** Members are called by the fields' names, as in requests. */
  constructor({ schema, maxRowBytes, ...rules }: RowStreamOptions) {
    this.#maxRowBytes = maxRowBytes
    this.#lines = new LineSplitter(maxRowBytes)
    this.#reader = new NdjsonReader(schema, { ...rules, naming: 'names' })
  }

  push(bytes: Uint8Array): Iterable<ReadRow> {
    return this.#rows(this.#lines.push(bytes))
  }

  end(): Iterable<ReadRow> {
    return this.#rows(this.#lines.end())
  }

  *#rows(lines: Iterable<Line>): Generator<ReadRow> {
    for (const { number: line, bytes } of lines) {
      const read = bytes === null ? rowFault(tooLong(this.#maxRowBytes)) : this.#reader.read(bytes)
      if (read instanceof Fault) yield { line, fault: read }
      else if (read) yield { line, install: read.install }
    }
  }
}
