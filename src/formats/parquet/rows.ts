/**
 * Rows of a Parquet file → rows of the schema, or faults; and the same rows as CSV or NDJSON.
 */
import {
  Fault,
  type Field,
  type InputSchema,
  type Row,
  type Value,
  valueFromParquet,
} from '../../inputs/index.ts'
import type { ByteWriter } from '../byte-writer.ts'
import { expectColumns, expectRoomFor, fieldNames, placesOf, requiredNames } from '../columns.ts'
import { csvCell } from '../csv/cell.ts'
import { LF } from '../csv/row.ts'
import { InputError } from '../errors.ts'
import { USER_ID_FIELD } from '../install.ts'
import type { ParquetColumn, ParquetFile } from './file.ts'
import { isTaken } from './form.ts'
import { fieldValueOf, jsonOf, textOf } from './values.ts'

export class ParquetRows {
  readonly #fields: readonly Field[]
  readonly #columns: readonly ParquetColumn[]
  readonly #places: readonly number[]
  readonly #userIdPlace: number
  /** What stands before each value of a JSON object. */
  readonly #keys: readonly string[]

  /**
   * @param added columns or members that the output has more
   * @throws InputError where a column is missing or of another type than its field
   */
  constructor(schema: InputSchema, { columns, leftOut }: ParquetFile, added: readonly string[] = []) {
    const names = columns.map(({ name }) => name)
    const required = requiredNames(schema, 'columns')
    // A column that cannot be read is there all the same, and its type is what is wrong with it.
    for (const { name, why } of leftOut)
      if (fieldNames(schema, 'columns').includes(name)) throw wrongType(name, fieldOf(schema, name), why)
    expectColumns(names, { required, known: null, where: '', what: 'the columns ' })
    expectRoomFor(added, names, '')
    this.#fields = schema.fields
    this.#columns = columns
    this.#places = placesOf(names, schema, 'columns')
    this.#userIdPlace = names.indexOf(schema.userIdColumn)
    this.#keys = names.map((name, at) => `${at === 0 ? '{' : ','}${JSON.stringify(name)}:`)
    for (const [i, place] of this.#places.entries()) {
      const column = columns[place]
      if (column && !isTaken(schema.fields[i]!.kind, column.form))
        throw wrongType(column.name, schema.fields[i]!, column.type)
    }
  }

  /** @param stored values in the order of the file's columns */
  read(stored: readonly unknown[]): Row | Fault {
    const values: Value[] = []
    for (let i = 0; i < this.#fields.length; i++) {
      const place = this.#places[i]!
      const value = place < 0 ? null : fieldValueOf(stored[place], this.#columns[place]!.form)
      const read = valueFromParquet(this.#fields[i]!, value)
      if (read instanceof Fault) return read
      values.push(read)
    }
    return values
  }

  /** As a text, whatever its type; null where there is none. */
  userId(stored: readonly unknown[]): string | null | Fault {
    const column = this.#columns[this.#userIdPlace]
    const text = column ? textOf(stored[this.#userIdPlace], column.form) : null
    return valueFromParquet(USER_ID_FIELD, text === '' ? null : text) as string | null | Fault
  }

  /** The names of the columns, as the header of a CSV without its end. */
  header(): string {
    return this.#columns.map(({ name }) => csvCell(name)).join()
  }

  /** All columns as cells, for messages. */
  show(stored: readonly unknown[]): string {
    return this.#columns.map(({ form }, at) => csvCell(textOf(stored[at], form))).join()
  }

  /**
   * @param cells what is added, in ASCII without commas
   * @param told what is added before them, each with its comma
   */
  writeCsv(out: ByteWriter, stored: readonly unknown[], cells: readonly string[], told = ''): void {
    out.utf8(this.show(stored) + told)
    for (const cell of cells) out.ascii(`,${cell}`)
    out.byte(LF)
  }

  /** @param members what is added as JSON, without braces */
  writeNdjson(out: ByteWriter, stored: readonly unknown[], members: string): void {
    for (let at = 0; at < this.#columns.length; at++)
      out.utf8(this.#keys[at]! + jsonOf(stored[at], this.#columns[at]!.form))
    out.utf8(`${this.#columns.length > 0 ? ',' : '{'}${members}}\n`)
  }
}

const EXPECTED = { text: 'texts', number: 'numbers', boolean: 'true and false', time: 'times' } as const

const wrongType = (name: string, { kind }: Field, actual: string): InputError =>
  new InputError(`column ${name}: expected ${EXPECTED[kind]}, got ${actual}`)

const fieldOf = ({ fields }: InputSchema, column: string): Field =>
  fields.find((field) => field.column === column)!
