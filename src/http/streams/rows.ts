/**
 * What a stream of installs is read into, and the reader of JSON lines.
 */
import { faultOf, type Line, LineSplitter } from './lines.ts'

/** What stands in a line, not validated yet; or why nothing can be made of it. */
export type Row =
  { readonly line: number; readonly input: unknown } | { readonly line: number; readonly error: string }

export interface RowReader {
  /** The rows that these bytes complete; made as they are taken. */
  push(bytes: Buffer): Iterable<Row>
  /** What is left when nothing more comes. */
  end(): Iterable<Row>
}

/** Newline-delimited JSON: a value a line. Lines of white space are passed over. */
export class NdjsonRows implements RowReader {
  readonly #limitBytes: number
  readonly #lines: LineSplitter

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
    this.#lines = new LineSplitter(limitBytes)
  }

  push(bytes: Buffer): Iterable<Row> {
    return this.#rows(this.#lines.push(bytes))
  }

  end(): Iterable<Row> {
    return this.#rows(this.#lines.end())
  }

  *#rows(lines: Iterable<Line>): Generator<Row> {
    for (const line of lines) {
      const fault = faultOf(line, this.#limitBytes)
      const text = line.bytes?.toString() ?? ''
      if (fault !== null) yield { line: line.number, error: `line: ${fault}` }
      else if (text.trim() !== '') yield { line: line.number, ...parsed(text) }
    }
  }
}

function parsed(text: string): { readonly input: unknown } | { readonly error: string } {
  try {
    return { input: JSON.parse(text) as unknown }
  } catch (error) {
    return { error: `line: expected JSON: ${(error as Error).message}` }
  }
}
