/**
 * The closed set of operators: one column's specification → a function from a row of the input schema to a double.
 *
 * The rules are docs/bundle.md's, word for word; `training/day7_training/features/operators.py` has the same ones, and the golden
 * predictions compare the two to the last bit. Anything not listed here is refused, so that a plan written by a newer trainer
 * cannot be half understood.
 */
import type { InputSchema, Kind, Row } from '../inputs/index.ts'
import { FeaturePlanError } from './errors.ts'
import { naturalLog } from './logarithm.ts'

/** Reads the row, and the cells of earlier columns; returns the column's value. */
export type Cell = (row: Row, cells: Float64Array) => number

/** A column as the document has it, with its place in the document, the columns before it and the fields that it may read. */
export interface ColumnSource {
  readonly spec: Readonly<Record<string, unknown>>
  readonly path: string
  readonly earlier: ReadonlyMap<string, number>
  readonly schema: InputSchema
  /** What the plan's format has. */
  readonly vocabulary: Vocabulary
}

/** The operators of a format of plans, and the encodings that a lookup may name. */
export interface Vocabulary {
  readonly operators: ReadonlyMap<string, Operator>
  readonly encodings: readonly string[]
}

export interface Column {
  readonly cell: Cell
  /** The position of the input field that it reads; null if it reads columns alone. */
  readonly field: number | null
  /** The earlier columns that it reads. */
  readonly columns: readonly number[]
}

export function compileColumn(column: ColumnSource): Column {
  const { spec, path } = column
  const { operators } = column.vocabulary
  const operator = typeof spec['op'] === 'string' ? operators.get(spec['op']) : undefined
  if (!operator)
    throw new FeaturePlanError(`${path}.op`, `one of ${[...operators.keys()].join(', ')}`, spec['op'])
  const known = new Set(['name', 'op', ...operator.keys])
  for (const key of known)
    if (!Object.hasOwn(spec, key)) throw new FeaturePlanError(path, `the key "${key}"`, spec)
  for (const key of Object.keys(spec))
    if (!known.has(key)) throw new FeaturePlanError(path, `only the keys ${[...known].join(', ')}`, key)
  const cell = operator.compile(column)
  // What is named by these keys has been checked by now.
  return {
    cell,
    field: typeof spec['field'] === 'string' ? column.schema.indexOf(spec['field']) : null,
    columns: COLUMN_KEYS.flatMap((key) => spec[key] ?? []).map((name) => column.earlier.get(name as string)!),
  }
}

/** Of any operator: what holds the names of earlier columns. */
const COLUMN_KEYS = ['of', 'numerator', 'denominator', 'argument', 'minuend', 'subtrahend']

interface Operator {
  readonly keys: readonly string[]
  readonly compile: (column: ColumnSource) => Cell
}

const FIRST_OPERATORS: readonly (readonly [string, Operator])[] = [
  ['number', { keys: ['field'], compile: number }],
  ['is_missing', { keys: ['field'], compile: isMissing }],
  ['lookup', { keys: ['field', 'encoding', 'fold', 'values', 'unknown', 'missing'], compile: lookup }],
  ['version_part', { keys: ['field', 'part', 'absent'], compile: versionPart }],
  ['sum', { keys: ['of'], compile: sum }],
  ['ratio', { keys: ['numerator', 'denominator', 'plus'], compile: ratio }],
  ['product', { keys: ['of'], compile: product }],
  ['log', { keys: ['argument', 'plus'], compile: log }],
]

const LATER_OPERATORS: readonly (readonly [string, Operator])[] = [
  ['time_part', { keys: ['field', 'part'], compile: timePart }],
  ['difference', { keys: ['minuend', 'subtrahend'], compile: difference }],
  ['linear', { keys: ['argument', 'factor', 'plus'], compile: linear }],
  ['clip', { keys: ['argument', 'minimum', 'maximum'], compile: clip }],
  ['step', { keys: ['argument', 'edges', 'values', 'missing'], compile: step }],
]

const FIRST_ENCODINGS = ['code', 'frequency', 'target_mean', 'revenue_rate', 'relative_revenue']

/** By the format of the plan. */
export const VOCABULARIES: ReadonlyMap<unknown, Vocabulary> = new Map([
  ['day7-feature-plan/1', { operators: new Map(FIRST_OPERATORS), encodings: FIRST_ENCODINGS }],
  [
    'day7-feature-plan/2',
    {
      operators: new Map([...FIRST_OPERATORS, ...LATER_OPERATORS]),
      encodings: [...FIRST_ENCODINGS, 'payer_share', 'log_factor', 'log_unit'],
    },
  ],
])

function number(column: ColumnSource): Cell {
  const field = fieldOf(column, ['number', 'boolean', 'time'])
  return (row) => (row[field] as number | null) ?? NaN
}

function isMissing(column: ColumnSource): Cell {
  const field = fieldOf(column, ['text', 'number', 'boolean', 'time'])
  return (row) => (row[field] === null || row[field] === '' ? 1 : 0)
}

function lookup(column: ColumnSource): Cell {
  const field = fieldOf(column, ['text'])
  oneOf(column, 'encoding', column.vocabulary.encodings)
  const fold = FOLDS[oneOf(column, 'fold', ['none', 'ascii_lower', 'ascii_lower_first_word'])]
  const unknown = numberOrNaN(column, 'unknown')
  const missing = numberOrNaN(column, 'missing')
  // A Map, not the object itself: "constructor" and "__proto__" are texts that a player's device may well send.
  const values = new Map<string, number>()
  for (const [key, value] of Object.entries(record(column, 'values'))) {
    if (typeof value !== 'number')
      throw new FeaturePlanError(`${column.path}.values["${key}"]`, 'a number', value)
    values.set(key, value)
  }
  return (row) => {
    const text = row[field] as string | null
    return isMissingText(text) ? missing : (values.get(fold(text)) ?? unknown)
  }
}

export const FOLDS = {
  none: (text: string) => text,
  ascii_lower: asciiLower,
  ascii_lower_first_word: (text: string) => asciiLower(text.split(' ', 1)[0]!),
}

const ASCII = /^[\0-\x7f]*$/

/** A–Z only: what other letters become in lower case differs between Unicode versions, and so between languages. */
export function asciiLower(text: string): string {
  return ASCII.test(text)
    ? text.toLowerCase()
    : text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** Every whole number of up to 15 digits is exact as a double. */
const LEADING_DIGITS = /^[0-9]{1,15}(?![0-9])/

function versionPart(column: ColumnSource): Cell {
  const field = fieldOf(column, ['text'])
  const part = finite(column, 'part')
  if (!Number.isInteger(part) || part < 0)
    throw new FeaturePlanError(`${column.path}.part`, 'a whole number ≥ 0', part)
  const absent = numberOrNaN(column, 'absent')
  return (row) => {
    const text = row[field] as string | null
    if (isMissingText(text)) return NaN
    const digits = text.split('.', part + 1)[part]
    if (digits === undefined) return absent
    const run = LEADING_DIGITS.exec(digits)
    return run === null ? NaN : Number(run[0])
  }
}

function sum(column: ColumnSource): Cell {
  const terms = earlierColumns(column)
  return (_, cells) => {
    let total = 0
    for (const term of terms) {
      const value = cells[term]!
      total += Number.isNaN(value) ? 0 : value
    }
    return total
  }
}

function ratio(column: ColumnSource): Cell {
  const numerator = earlierColumn(column, 'numerator', column.spec['numerator'])
  const denominator = earlierColumn(column, 'denominator', column.spec['denominator'])
  const plus = finite(column, 'plus')
  return (_, cells) => cells[numerator]! / (cells[denominator]! + plus)
}

function product(column: ColumnSource): Cell {
  const factors = earlierColumns(column)
  return (_, cells) => {
    let value = cells[factors[0]!]!
    for (let i = 1; i < factors.length; i++) value *= cells[factors[i]!]!
    return value
  }
}

function log(column: ColumnSource): Cell {
  const argument = earlierColumn(column, 'argument', column.spec['argument'])
  const plus = finite(column, 'plus')
  return (_, cells) => naturalLog(cells[argument]! + plus)
}

/** Exact: every number on the way is whole and below 2⁵³. */
const TIME_PARTS = {
  day: dayOf,
  hour: (ms: number) => Math.floor((ms - dayOf(ms) * MS_A_DAY) / MS_AN_HOUR),
  weekday: (ms: number) => {
    const fromMonday = dayOf(ms) + FIRST_WEEKDAY
    return fromMonday - DAYS_A_WEEK * Math.floor(fromMonday / DAYS_A_WEEK)
  },
}

const MS_AN_HOUR = 3_600_000
const MS_A_DAY = 86_400_000
const DAYS_A_WEEK = 7
/** Of 1970-01-01, a Thursday; Monday is 0. */
const FIRST_WEEKDAY = 3

function dayOf(ms: number): number {
  return Math.floor(ms / MS_A_DAY)
}

function timePart(column: ColumnSource): Cell {
  const field = fieldOf(column, ['time'])
  const partOf = TIME_PARTS[oneOf(column, 'part', ['day', 'hour', 'weekday'])]
  return (row) => {
    const ms = row[field] as number | null
    return ms === null ? NaN : partOf(ms)
  }
}

function difference(column: ColumnSource): Cell {
  const minuend = earlierColumn(column, 'minuend', column.spec['minuend'])
  const subtrahend = earlierColumn(column, 'subtrahend', column.spec['subtrahend'])
  return (_, cells) => cells[minuend]! - cells[subtrahend]!
}

function linear(column: ColumnSource): Cell {
  const argument = earlierColumn(column, 'argument', column.spec['argument'])
  const factor = finite(column, 'factor')
  const plus = finite(column, 'plus')
  return (_, cells) => cells[argument]! * factor + plus
}

function clip(column: ColumnSource): Cell {
  const argument = earlierColumn(column, 'argument', column.spec['argument'])
  const minimum = column.spec['minimum'] === null ? -Infinity : finite(column, 'minimum')
  const maximum = column.spec['maximum'] === null ? Infinity : finite(column, 'maximum')
  if (minimum > maximum)
    throw new FeaturePlanError(
      `${column.path}.minimum`,
      `at most ${maximum}, as the maximum`,
      column.spec['minimum'],
    )
  // A NaN is neither below nor above.
  return (_, cells) => {
    const value = cells[argument]!
    return value < minimum ? minimum : value > maximum ? maximum : value
  }
}

function step(column: ColumnSource): Cell {
  const argument = earlierColumn(column, 'argument', column.spec['argument'])
  const edges = numbers(column, 'edges')
  const unsorted = edges.findIndex((edge, at) => at > 0 && !(edge > edges[at - 1]!))
  if (unsorted !== -1)
    throw new FeaturePlanError(
      `${column.path}.edges[${unsorted}]`,
      `a number above ${edges[unsorted - 1]}`,
      edges[unsorted],
    )
  const values = numbers(column, 'values')
  if (values.length !== edges.length + 1)
    throw new FeaturePlanError(
      `${column.path}.values`,
      `${edges.length + 1} numbers, one more than edges`,
      column.spec['values'],
    )
  const missing = numberOrNaN(column, 'missing')
  return (_, cells) => {
    const value = cells[argument]!
    if (Number.isNaN(value)) return missing
    // How many edges are below the value.
    let [low, high] = [0, edges.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (edges[middle]! < value) low = middle + 1
      else high = middle
    }
    return values[low]!
  }
}

/** An absent text is null or empty; white space is a text like any other. */
const isMissingText = (text: string | null): text is null | '' => text === null || text === ''

/** Of a schema of hundreds. */
const SHOWN_FIELDS = 20

/** The position of the field that the column reads. */
function fieldOf({ spec, path, schema }: ColumnSource, kinds: readonly Kind[]): number {
  const name = spec['field']
  const field = typeof name === 'string' ? schema.indexOf(name) : -1
  if (field >= 0 && kinds.includes(schema.fields[field]!.kind)) return field
  const fitting = schema.fields.filter(({ kind }) => kinds.includes(kind)).map((each) => each.name)
  const shown = fitting.length > SHOWN_FIELDS ? [...fitting.slice(0, SHOWN_FIELDS), '…'] : fitting
  const ofKind = `of kind ${kinds.join(' or ')}`
  throw new FeaturePlanError(
    `${path}.field`,
    shown.length > 0 ? `one of ${shown.join(', ')} (${ofKind})` : `a field ${ofKind}, which the inputs lack`,
    name,
  )
}

function oneOf<T extends string>({ spec, path }: ColumnSource, key: string, choices: readonly T[]): T {
  const choice = choices.find((each) => each === spec[key])
  if (choice === undefined)
    throw new FeaturePlanError(`${path}.${key}`, `one of ${choices.join(', ')}`, spec[key])
  return choice
}

function finite({ spec, path }: ColumnSource, key: string): number {
  const value = spec[key]
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw new FeaturePlanError(`${path}.${key}`, 'a finite number', value)
  return value
}

function numberOrNaN(column: ColumnSource, key: string): number {
  return column.spec[key] === null ? NaN : finite(column, key)
}

function numbers({ spec, path }: ColumnSource, key: string): Float64Array {
  const list = spec[key]
  if (!Array.isArray(list)) throw new FeaturePlanError(`${path}.${key}`, 'a list of numbers', list)
  return Float64Array.from(list, (value: unknown, at) => {
    if (typeof value !== 'number') throw new FeaturePlanError(`${path}.${key}[${at}]`, 'a number', value)
    return value
  })
}

function record({ spec, path }: ColumnSource, key: string): Record<string, unknown> {
  const value = spec[key]
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new FeaturePlanError(`${path}.${key}`, 'an object', value)
  return value as Record<string, unknown>
}

function earlierColumns(column: ColumnSource): Int32Array {
  const names = column.spec['of']
  if (!Array.isArray(names) || names.length === 0)
    throw new FeaturePlanError(`${column.path}.of`, 'a list of columns', names)
  return Int32Array.from(names, (name, at) => earlierColumn(column, `of[${at}]`, name))
}

function earlierColumn({ path, earlier }: ColumnSource, key: string, name: unknown): number {
  const index = typeof name === 'string' ? earlier.get(name) : undefined
  if (index === undefined) throw new FeaturePlanError(`${path}.${key}`, 'the name of an earlier column', name)
  return index
}
