/**
 * The kinds of values, one row a kind: how what comes becomes a value or a fault, and how a value goes out.
 */
import { parseDecimal } from './decimals.ts'
import { Fault, wrongCell, wrongEncoding, wrongLength, wrongType, wrongValue } from './faults.ts'
import type { Field, Kind } from './field.ts'
import { isStorable, lengthBeyond, STORABLE_TEXT, trimAscii } from './text-rules.ts'
import { EARLIEST_MS, LATEST_MS, timeFromEpoch, timeFromText } from './times.ts'
import type { Value } from './value.ts'

interface KindRules {
  /** What a fault says was expected. */
  expected(field: Field): string
  /** A value of a request that is not null. */
  fromJson(field: Field, value: unknown): Value | Fault
  /** A cell that is neither empty nor missing. @param text trimmed where the field asks for it */
  fromCell(field: Field, text: string, cell: string): Value | Fault
  /** A value of a column or tensor with a type, neither null nor a text. */
  fromTyped(field: Field, value: unknown): Value | Fault
  toJson(value: string | number): string | number | boolean
  /** The type names of JSON Schema. */
  readonly jsonTypes: readonly string[]
  /** What JSON Schema says of it beside the type. */
  jsonLimits(field: Field): object
  /** Those of a tensor in the Open Inference Protocol, the one in the model's metadata first. */
  readonly tensorDatatypes: readonly string[]
  /** In the views of the prediction log. */
  readonly sqlType: string
}

const INTEGERS = ['INT64', 'INT32', 'INT16', 'INT8', 'UINT64', 'UINT32', 'UINT16', 'UINT8'] as const

const KINDS: Readonly<Record<Kind, KindRules>> = {
  text: {
    expected: () => 'text',
    fromJson: (field, value) =>
      typeof value === 'string' ? textFrom(field, value) : wrongKind(field, value),
    fromCell: (field, text, cell) => checkedText(field, text, cell, wrongCell),
    fromTyped: (field, value) => wrongKind(field, value),
    toJson: (value) => value,
    jsonTypes: ['string'],
    jsonLimits: textLimits,
    tensorDatatypes: ['BYTES'],
    sqlType: 'text',
  },
  number: {
    expected: () => 'number',
    fromJson: (field, value) =>
      typeof value === 'number' && Number.isFinite(value)
        ? numberWithin(field, value)
        : wrongKind(field, value),
    fromCell(field, text, cell) {
      const number = parseDecimal(text)
      if (Number.isFinite(number)) return numberWithin(field, number)
      const expected = Number.isNaN(number) ? 'a decimal number' : 'a number that a double can hold'
      return wrongCell(field.name, expected, cell)
    },
    fromTyped: (field, value) => KINDS.number.fromJson(field, asNumber(value)),
    toJson: (value) => value,
    jsonTypes: ['number'],
    jsonLimits: ({ minimum, maximum }) => ({ minimum, maximum }),
    tensorDatatypes: ['FP64', 'FP32', 'FP16', ...INTEGERS, 'BYTES'],
    sqlType: 'double precision',
  },
  boolean: {
    expected: () => 'true or false',
    fromJson: (field, value) => (typeof value === 'boolean' ? Number(value) : wrongKind(field, value)),
    fromCell: (field, text, cell) =>
      TRUTHS.get(text.length > LONGEST_TRUTH ? '' : text.toLowerCase()) ??
      wrongCell(field.name, 'true or false', cell),
    fromTyped(field, value) {
      const number = typeof value === 'boolean' ? Number(value) : asNumber(value)
      return number === 0 || number === 1 ? number + 0 : wrongKind(field, value)
    },
    toJson: (value) => value === 1,
    jsonTypes: ['boolean'],
    jsonLimits: () => ({}),
    tensorDatatypes: ['BOOL', ...INTEGERS, 'BYTES'],
    sqlType: 'boolean',
  },
  time: {
    expected: expectedTime,
    fromJson(field, value) {
      if (typeof value === 'string') return valueFromCell(field, value)
      return typeof value === 'number'
        ? (timeWithin(timeFromEpoch(value)) ?? wrongValue(field.name, YEARS, value))
        : wrongKind(field, value)
    },
    fromCell(field, text, cell) {
      const time = timeFromText(text, field.format)
      return timeWithin(time) ?? wrongCell(field.name, Number.isNaN(time) ? expectedTime(field) : YEARS, cell)
    },
    fromTyped: (field, value) =>
      value instanceof Date
        ? (timeWithin(value.getTime()) ?? wrongValue(field.name, YEARS, value))
        : KINDS.time.fromJson(field, asNumber(value)),
    toJson: (value) => new Date(value).toISOString(),
    jsonTypes: ['string', 'number'],
    jsonLimits: () => ({}),
    tensorDatatypes: ['INT64', 'FP64', 'BYTES'],
    sqlType: 'timestamptz',
  },
}

/**
 * A value of a request or, with `cell`, of a line of NDJSON, where a text stands for a number, true, false or a time as a cell does.
 */
export function valueFromJson(
  field: Field,
  value: unknown,
  text: 'strict' | 'cell' = 'strict',
): Value | Fault {
  if (value === null) return nullOf(field)
  if (text === 'cell' && typeof value === 'string' && field.kind !== 'text')
    return valueFromCell(field, value)
  return KINDS[field.kind].fromJson(field, value)
}

/** A cell of a CSV file. The empty one is null. */
export function valueFromCell(field: Field, cell: string): Value | Fault {
  const text = field.trim ? trimAscii(cell) : cell
  if (text === '' || isMissing(field, text)) return nullOf(field)
  return KINDS[field.kind].fromCell(field, text, cell)
}

/**
 * A value of a Parquet column: bigint for integers of 64 bits, Date for timestamps and dates, bytes for texts that are not said to be
 * UTF-8. NaN is null, and so is undefined.
 */
export function valueFromParquet(field: Field, value: unknown): Value | Fault {
  if (value === null || value === undefined || Number.isNaN(value)) return nullOf(field)
  if (typeof value === 'string') return valueFromTypedText(field, value)
  if (!(value instanceof Uint8Array)) return KINDS[field.kind].fromTyped(field, value)
  const text = decodeUtf8(value)
  return text === null ? wrongEncoding(field.name) : valueFromTypedText(field, text)
}

/** An element of a tensor whose datatype is one of `tensorDatatypes`: a text or bytes for BYTES, a bigint for 64 bits. NaN is null. */
export const valueFromTensor = valueFromParquet

/** As a request has it; a time in ISO 8601. */
export function valueToJson(field: Field, value: Value): string | number | boolean | null {
  return value === null ? null : KINDS[field.kind].toJson(value)
}

/** JSON Schema of the field as requests have it. */
export function jsonSchemaOf(field: Field): object {
  const { jsonTypes, jsonLimits } = KINDS[field.kind]
  const types = field.nullable ? [...jsonTypes, 'null'] : jsonTypes
  const description = describeField(field)
  return {
    type: types.length === 1 ? types[0] : types,
    ...jsonLimits(field),
    ...(description === '' ? {} : { description }),
    ...(field.example === null ? {} : { examples: [field.example] }),
  }
}

/** For people: what it is, what it is counted in, and how a time is written, which the types do not tell. Empty where nothing is known. */
function describeField(field: Field): string {
  const { description, unit, kind } = field
  const time = kind === 'time' ? expectedTime(field) : null
  return [
    description,
    unit === null ? null : `Unit: ${unit}.`,
    time === null ? null : `${time[0]!.toUpperCase()}${time.slice(1)}, UTC unless it says otherwise.`,
  ]
    .filter((sentence) => sentence !== null && sentence !== '')
    .join(' ')
}

/** Those that a tensor of the kind may have in the Open Inference Protocol; the first is in the model's metadata. */
export const tensorDatatypes = (kind: Kind): readonly string[] => KINDS[kind].tensorDatatypes

/** Its type in the views of the prediction log. */
export const sqlTypeOf = (kind: Kind): string => KINDS[kind].sqlType

/** A value, or null where it is missing. An empty text is a text. */
function textFrom(field: Field, value: string): Value | Fault {
  const text = field.trim ? trimAscii(value) : value
  return isMissing(field, text) ? nullOf(field) : checkedText(field, text, value, wrongValue)
}

function checkedText(
  field: Field,
  text: string,
  came: string,
  wrong: (name: string, expected: string, came: string) => Fault,
): string | Fault {
  const length = lengthBeyond(text, field.maxLength)
  if (length > field.maxLength) return wrongLength(field.name, field.maxLength, length)
  return isStorable(text) ? text : wrong(field.name, STORABLE_TEXT, came)
}

function textLimits(field: Field): object {
  // A schema cannot say that blanks do not count; the row's rules do.
  const most = Math.max(field.maxLength, ...field.missing.map((text) => [...text].length))
  return {
    ...(field.trim ? {} : { maxLength: most }),
    pattern: String.raw`^[^\u0000\uD800-\uDFFF]*$`,
    'x-expected': STORABLE_TEXT,
  }
}

function numberWithin({ name, minimum, maximum }: Field, value: number): Value | Fault {
  if (value < minimum) return wrongValue(name, `a number ≥ ${minimum}`, value)
  if (value > maximum) return wrongValue(name, `a number ≤ ${maximum}`, value)
  return value + 0 // -0 becomes 0
}

/** In lower case. */
const TRUTHS: ReadonlyMap<string, number> = new Map([
  ...['true', 't', 'yes', 'y', '1'].map((text) => [text, 1] as const),
  ...['false', 'f', 'no', 'n', '0'].map((text) => [text, 0] as const),
])
const LONGEST_TRUTH = 5

const YEARS = 'a time in the years 0001 to 9999'

function timeWithin(time: number): number | null {
  return time >= EARLIEST_MS && time <= LATEST_MS ? time : null
}

function expectedTime({ format }: Field): string {
  if (format === 'iso') return 'time in ISO 8601 or as epoch'
  return `time as ${format === 'day_first' ? 'day/month/year' : 'month/day/year'}, in ISO 8601 or as epoch`
}

const wrongKind = (field: Field, value: unknown): Fault =>
  wrongType(field, KINDS[field.kind].expected(field), value)

/** A text of a column or tensor with a type. */
const valueFromTypedText = (field: Field, text: string): Value | Fault =>
  field.kind === 'text' ? textFrom(field, text) : valueFromCell(field, text)

const asNumber = (value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value)

const isMissing = ({ missing }: Field, text: string): boolean => missing.length > 0 && missing.includes(text)

function nullOf(field: Field): null | Fault {
  return field.nullable ? null : wrongKind(field, null)
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes)
  } catch {
    return null
  }
}
