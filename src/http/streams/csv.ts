/**
 * CSV as RFC 4180 has it → rows of installs. The first line names the columns, in any order; an empty cell is null, and a number is
 * written as in JSON. A line that is wrong is a row with an error, and reading goes on with the next one, also after a quote that
 * nobody closes: then the record's first line is wrong, and those after it are read anew. Refuses a header that is not as it should be,
 * and repeats nothing of it: where there is none, its cells are an install.
 */
import { Fault, type Field, type InputSchema, valueFromCell, valueToJson } from '../../inputs/index.ts'
import { USER_ID } from '../schemas/install.ts'
import { CsvRecord } from './csv-record.ts'
import { listed } from '../listed.ts'
import { faultOf, type Line, LineSplitter } from './lines.ts'
import type { Row, RowReader } from './rows.ts'

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const UNCLOSED = 'expected a quote at the end of a quoted cell, got none'

export class CsvRows implements RowReader {
  readonly #limitBytes: number
  readonly #inputs: InputSchema
  readonly #lines: LineSplitter
  /** Null before the header. */
  #columns: readonly Column[] | null = null
  /** The lines of a record whose quote is open. */
  #open: Line[] = []
  #openBytes = 0
  #record = new CsvRecord()

  constructor(limitBytes: number, inputs: InputSchema) {
    this.#limitBytes = limitBytes
    this.#inputs = inputs
    this.#lines = new LineSplitter(limitBytes)
  }

  /** @throws 400 if the header is wrong */
  *push(bytes: Buffer): Generator<Row> {
    for (const line of this.#lines.push(bytes)) yield* this.#read(line)
  }

  /** @throws 400 if there is no header */
  *end(): Generator<Row> {
    for (const line of this.#lines.end()) yield* this.#read(line)
    yield* this.#giveUpAll()
    if (this.#columns === null) throw headerFault('expected the names of the columns, got nothing')
  }

  *#read(line: Line): Generator<Row> {
    const fault = faultOf(line, this.#limitBytes)
    if (fault !== null) {
      yield* this.#giveUpAll()
      yield this.#faulty(line, fault)
      return
    }
    const text = line.bytes!.toString()
    const isFirst = this.#open.length === 0
    if (isFirst && (text === '' || text === '\r')) return
    const added = this.#record.add(text)
    if (added === 'open') {
      // A copy: what it is cut from is larger.
      this.#open.push({ number: line.number, bytes: Buffer.from(line.bytes!) })
      this.#openBytes += text.length + 1
      if (this.#openBytes > this.#limitBytes) yield* this.#giveUp(UNCLOSED)
    } else if ('fault' in added) {
      this.#open.push(line)
      yield* this.#giveUp(added.fault)
    } else {
      const number = this.#open[0]?.number ?? line.number
      if (!isFirst) this.#reset()
      if (this.#columns === null) this.#columns = columnsOf(added.cells, this.#inputs)
      else yield rowOf(number, this.#columns, added.cells)
    }
  }

  *#giveUpAll(): Generator<Row> {
    while (this.#open.length > 0) yield* this.#giveUp(UNCLOSED)
  }

  /** The record's first line is wrong; the others are read as if it were not there. */
  *#giveUp(fault: string): Generator<Row> {
    const [first, ...others] = this.#open
    this.#reset()
    yield this.#faulty(first!, fault)
    for (const line of others) yield* this.#read(line)
  }

  #faulty({ number }: Line, fault: string): Row {
    if (this.#columns === null) throw headerFault(fault)
    return { line: number, error: `line: ${fault}` }
  }

  #reset(): void {
    this.#open = []
    this.#openBytes = 0
    this.#record = new CsvRecord()
  }
}

/** What a column holds; null: the user's id. */
type Column = Field | null

function columnsOf(cells: readonly string[], { fields, userIdColumn }: InputSchema): readonly Column[] {
  const fieldOf = new Map<string, Column>(fields.map((field) => [field.column, field]))
  fieldOf.set(userIdColumn, null)
  const names = [...fieldOf.keys()]
  const required = fields.filter((field) => field.required).map(({ column }) => column)
  const missing = required.filter((name) => !cells.includes(name))
  const unknown = cells.findIndex((name) => !fieldOf.has(name))
  const twice = cells.find((name, at) => cells.indexOf(name) !== at)
  if (cells.length === 1 && fields.length > 1)
    throw headerFault('expected names of columns with commas between them, got none')
  if (missing.length > 0)
    throw headerFault(`expected the columns ${listed(required)}; missing: ${listed(missing)}`)
  if (unknown !== -1)
    throw headerFault(`expected only the columns ${listed(names)}; number ${unknown + 1} is another one`)
  if (twice !== undefined) throw headerFault(`expected every column once, got ${twice} twice`)
  return cells.map((name) => fieldOf.get(name)!)
}

function headerFault(fault: string): Error {
  return Object.assign(new Error(`header: ${fault}`), { statusCode: 400, code: 'CSV_HEADER_INVALID' })
}

function rowOf(line: number, columns: readonly Column[], cells: readonly string[]): Row {
  if (cells.length !== columns.length)
    return { line, error: `line: expected ${columns.length} cells, got ${cells.length}` }
  const input: Record<string, unknown> = {}
  for (let i = 0; i < columns.length; i++) {
    const field = columns[i] ?? null
    if (field === null) input[USER_ID] = cells[i] === '' ? null : cells[i]!
    else input[field.name] = valueOf(field, cells[i]!)
  }
  return { line, input }
}

/** As JSON has it. A number that is written otherwise, and what is of another kind, stays a text, which validation refuses. */
function valueOf(field: Field, cell: string): unknown {
  if (cell === '') return null
  if (field.kind === 'number' && !field.trim && field.missing.length === 0)
    return JSON_NUMBER.test(cell) ? Number(cell) : cell
  const value = valueFromCell(field, cell)
  return value instanceof Fault ? cell : valueToJson(field, value)
}
