/**
 * The closed set of operators: one column's specification → a function from install to double.
 *
 * The rules are docs/bundle.md's, word for word; `training/day7_training/features/operators.py` has the same ones, and the golden
 * predictions compare the two to the last bit. Anything not listed here is refused, so that a plan written by a newer trainer
 * cannot be half understood.
 */
import { FeaturePlanError } from './errors.ts'
import {
  COUNT_FIELDS,
  type CountField,
  type Install,
  type InstallField,
  isMissingText,
  TEXT_FIELDS,
  type TextField,
} from './install.ts'
import { naturalLog } from './logarithm.ts'

/** Reads the install, and the cells of earlier columns; returns the column's value. */
export type Cell = (install: Install, cells: Float64Array) => number

/** A column as the document has it, with its place in the document and the columns before it. */
export interface ColumnSource {
  readonly spec: Readonly<Record<string, unknown>>
  readonly path: string
  readonly earlier: ReadonlyMap<string, number>
}

export interface Column {
  readonly cell: Cell
  /** The input field that it reads; null if it reads columns alone. */
  readonly field: InstallField | null
  /** The earlier columns that it reads. */
  readonly columns: readonly number[]
}

export function compileColumn(column: ColumnSource): Column {
  const { spec, path } = column
  const operator = typeof spec['op'] === 'string' ? OPERATORS.get(spec['op']) : undefined
  if (!operator)
    throw new FeaturePlanError(`${path}.op`, `one of ${[...OPERATORS.keys()].join(', ')}`, spec['op'])
  const known = new Set(['name', 'op', ...operator.keys])
  for (const key of known)
    if (!Object.hasOwn(spec, key)) throw new FeaturePlanError(path, `the key "${key}"`, spec)
  for (const key of Object.keys(spec))
    if (!known.has(key)) throw new FeaturePlanError(path, `only the keys ${[...known].join(', ')}`, key)
  const cell = operator.compile(column)
  // What is named by these keys has been checked by now.
  return {
    cell,
    field: (spec['field'] as InstallField | undefined) ?? null,
    columns: COLUMN_KEYS.flatMap((key) => spec[key] ?? []).map((name) => column.earlier.get(name as string)!),
  }
}

/** Of any operator: what holds the names of earlier columns. */
const COLUMN_KEYS = ['of', 'numerator', 'denominator', 'argument']

interface Operator {
  readonly keys: readonly string[]
  readonly compile: (column: ColumnSource) => Cell
}

const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ['number', { keys: ['field'], compile: number }],
  ['is_missing', { keys: ['field'], compile: isMissing }],
  ['lookup', { keys: ['field', 'encoding', 'fold', 'values', 'unknown', 'missing'], compile: lookup }],
  ['version_part', { keys: ['field', 'part', 'absent'], compile: versionPart }],
  ['sum', { keys: ['of'], compile: sum }],
  ['ratio', { keys: ['numerator', 'denominator', 'plus'], compile: ratio }],
  ['product', { keys: ['of'], compile: product }],
  ['log', { keys: ['argument', 'plus'], compile: log }],
])

function number(column: ColumnSource): Cell {
  const field = countField(column)
  return (install) => install[field] ?? NaN
}

function isMissing(column: ColumnSource): Cell {
  const field = oneOf(column, 'field', [...TEXT_FIELDS, ...COUNT_FIELDS])
  return (install) => (install[field] === null || install[field] === '' ? 1 : 0)
}

function lookup(column: ColumnSource): Cell {
  const field = textField(column)
  oneOf(column, 'encoding', ['code', 'frequency', 'target_mean', 'revenue_rate', 'relative_revenue'])
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
  return (install) => {
    const text = install[field]
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
  const field = textField(column)
  const part = finite(column, 'part')
  if (!Number.isInteger(part) || part < 0)
    throw new FeaturePlanError(`${column.path}.part`, 'a whole number ≥ 0', part)
  const absent = numberOrNaN(column, 'absent')
  return (install) => {
    const text = install[field]
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

const countField = (column: ColumnSource): CountField => oneOf(column, 'field', COUNT_FIELDS)
const textField = (column: ColumnSource): TextField => oneOf(column, 'field', TEXT_FIELDS)

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
