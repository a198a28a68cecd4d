/**
 * Columns that the path of a part file tells, such as `country=es` → values of its rows, and what the output gets for them.
 */
import { csvCell } from '../formats/index.ts'
import { Fault, type InputSchema, type Row, type Value, valueFromCell } from '../inputs/index.ts'

export interface ToldColumn {
  readonly name: string
  /** Empty for null. */
  readonly cell: string
}

export class ToldColumns {
  /** The fields that are looked for in the file itself. */
  readonly inFile: InputSchema
  /** What stands before the members that are added to an object. */
  readonly members: string
  readonly #told: readonly ToldColumn[]
  /** By the place of the field; undefined where the file has it. */
  readonly #values: readonly (Value | Fault | undefined)[]

  constructor(schema: InputSchema, told: readonly ToldColumn[]) {
    const cells = new Map(told.map(({ name, cell }) => [name, cell]))
    this.#told = told
    this.#values = schema.fields.map((field) => {
      const cell = cells.get(field.column)
      return cell === undefined ? undefined : valueFromCell(field, cell)
    })
    const fields = schema.fields.filter((_, at) => this.#values[at] === undefined)
    this.inFile = told.length === 0 ? schema : { ...schema, fields }
    this.members = told
      .map(({ name, cell }) => `${JSON.stringify(name)}:${cell === '' ? 'null' : JSON.stringify(cell)},`)
      .join('')
  }

  /** Cells that are added to a row, each with the separator before it. */
  cells(separator: string): string {
    return this.#told.map(({ cell }) => separator + csvCell(cell, separator)).join('')
  }

  /** @param row of the fields in the file */
  complete(row: Row): Row | Fault {
    if (this.#told.length === 0) return row
    const whole: Value[] = []
    let next = 0
    for (const value of this.#values) {
      if (value instanceof Fault) return value
      whole.push(value === undefined ? row[next++]! : value)
    }
    return whole
  }
}
