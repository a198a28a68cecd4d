/**
 * The cells of a row that is whole → the values of the schema's fields, or what is wrong with the first of them.
 */
import { Fault, type Field, type InputSchema, type Value, valueFromCell } from '../../inputs/index.ts'
import { rowFault } from '../errors.ts'
import { USER_ID_FIELD } from '../install.ts'
import { readDecimal } from './decimal.ts'
import type { CsvLayout } from './header.ts'
import { type CsvRow, QUOTE } from './row.ts'
import { TextCells } from './text-cells.ts'

export class CsvCells {
  readonly #schema: InputSchema
  readonly #layout: CsvLayout
  readonly #texts: readonly TextCells[]
  /** Fields whose cells are most often plain numbers. */
  readonly #isNumber: readonly boolean[]

  constructor(schema: InputSchema, layout: CsvLayout) {
    this.#schema = schema
    this.#layout = layout
    this.#isNumber = schema.fields.map(isPlainNumber)
    this.#texts = schema.fields.map((field) => new TextCells(field))
  }

  /** Writes the values to `values` unless something is wrong. The bytes of the row are UTF-8. */
  read(bytes: Uint8Array, row: CsvRow, values: Value[]): Fault | null {
    const { width, named, places } = this.#layout
    if (row.count !== width) return rowFault(`expected ${width} cells as in the header, got ${row.count}`)
    if (named < width) {
      const fault = this.#paddingFault(bytes, row)
      if (fault) return fault
    }
    const { fields } = this.#schema
    const { starts, ends, escaped } = row
    for (let i = 0; i < fields.length; i++) {
      const cell = places[i]!
      if (cell < 0) {
        values[i] = null
        continue
      }
      const start = starts[cell]!
      const end = ends[cell]!
      const value =
        this.#isNumber[i] && end > start
          ? readNumber(fields[i]!, bytes, row, cell)
          : escaped[cell]
            ? this.#readEscaped(i, bytes.subarray(start, end))
            : this.#texts[i]!.read(bytes, start, end)
      if (value instanceof Fault) return value
      values[i] = value
    }
    return null
  }

  /** The user's id; null where the column or the cell has none. */
  userId(bytes: Uint8Array, row: CsvRow): string | null | Fault {
    const { userIdPlace } = this.#layout
    if (userIdPlace < 0) return null
    return valueFromCell(USER_ID_FIELD, textOf(bytes, row, userIdPlace)) as string | null | Fault
  }

  #readEscaped(i: number, cell: Uint8Array): Value | Fault {
    const plain = withoutDoubledQuotes(cell)
    return this.#texts[i]!.read(plain, 0, plain.length)
  }

  #paddingFault(bytes: Uint8Array, row: CsvRow): Fault | null {
    const { named, width } = this.#layout
    for (let cell = named; cell < width; cell++)
      if (row.ends[cell]! > row.starts[cell]!)
        return rowFault(
          `expected an empty cell ${cell + 1}, whose column has no name, got ${JSON.stringify(textOf(bytes, row, cell).slice(0, SHOWN))}`,
          `expected an empty cell ${cell + 1}, whose column has no name, got another text`,
        )
    return null
  }
}

/** Of a cell, in units. */
const SHOWN = 60

/** Where a number never stands for null. */
const isPlainNumber = ({ kind, missing }: Field): boolean => kind === 'number' && missing.length === 0

/** Numbers seldom repeat, so they are not remembered. */
function readNumber(field: Field, bytes: Uint8Array, row: CsvRow, cell: number): Value | Fault {
  const number = readDecimal(bytes, row.starts[cell]!, row.ends[cell]!)
  return number >= field.minimum && number <= field.maximum
    ? number
    : valueFromCell(field, textOf(bytes, row, cell))
}

/** The text of a cell. */
export function textOf(bytes: Uint8Array, { starts, ends, escaped }: CsvRow, cell: number): string {
  const text = decode(bytes, starts[cell]!, ends[cell]!)
  return escaped[cell] ? text.replaceAll('""', '"') : text
}

function withoutDoubledQuotes(cell: Uint8Array): Uint8Array {
  const plain = new Uint8Array(cell.length)
  let length = 0
  for (let i = 0; i < cell.length; i++) {
    plain[length++] = cell[i]!
    if (cell[i] === QUOTE) i++
  }
  return plain.subarray(0, length)
}

/** In bytes; for longer ones the decoder is faster. */
const SHORT = 24

function decode(bytes: Uint8Array, from: number, to: number): string {
  const cell = bytes.subarray(from, to)
  return cell.length <= SHORT && cell.every((byte) => byte < 0x80)
    ? String.fromCharCode(...cell)
    : decoder.decode(cell)
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
