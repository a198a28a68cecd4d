/**
 * What one line of the spool is: a checksum of eight hexadecimal digits, a tab, and the record as PostgreSQL's COPY reads it
 * (text format: fields between tabs, `\N` for null). A line whose checksum does not fit is no record.
 */
import { crc32 } from 'node:zlib'

/** The fields of a line and their types in PostgreSQL. A shadow has neither schema nor inputs. */
export const LINE_COLUMNS = [
  ['checksum', 'text'],
  ['prediction_id', 'uuid'],
  ['time', 'timestamptz'],
  ['user_id', 'text'],
  ['schema_id', 'text'],
  ['inputs', 'jsonb'],
  ['predicted_revenue', 'double precision'],
  ['raw_score', 'double precision'],
  ['inference_time_us', 'double precision'],
  ['model_name', 'text'],
  ['model_version', 'text'],
  ['variant', 'text'],
] as const

export const NULL = String.raw`\N`
export const NEWLINE = 0x0a
export const TAB = 0x09
export const CHECKSUM_BYTES = 8
const PREDICTION_ID_BYTES = 36
const SPECIAL = /[\\\t\n\r]/
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }
export const HEX_DIGITS = Buffer.from('0123456789abcdef')
/** By the byte; NaN for one that is no digit. */
const HEX_VALUES = Array.from({ length: 256 }, (_, byte) =>
  HEX_DIGITS.includes(byte) ? HEX_DIGITS.indexOf(byte) : NaN,
)

export function fieldOf(text: string): string {
  return SPECIAL.test(text) ? text.replaceAll(/[\\\t\n\r]/g, (character) => ESCAPES[character]!) : text
}

/** JSON in a field: JSON.stringify leaves no other character that COPY would read as something else. */
export const jsonFieldOf = (value: unknown): string => JSON.stringify(value).replaceAll('\\', '\\\\')

/** @param line with its newline */
export function isWhole(line: Buffer): boolean {
  return (
    line.length > CHECKSUM_BYTES + 1 &&
    line[CHECKSUM_BYTES] === TAB &&
    checksumIn(line) === crc32(line.subarray(CHECKSUM_BYTES + 1))
  )
}

/** NaN if there is none. */
function checksumIn(line: Buffer): number {
  let checksum = 0
  for (let at = 0; at < CHECKSUM_BYTES; at++) checksum = checksum * 16 + HEX_VALUES[line[at]!]!
  return checksum
}

/** The prediction of a whole line. */
export const predictionIdOf = (line: Buffer): string =>
  line.toString('latin1', CHECKSUM_BYTES + 1, CHECKSUM_BYTES + 1 + PREDICTION_ID_BYTES)

/** When a line's prediction was made, in ms since 1970, as its UUIDv7 says. NaN if it is no line. */
export function timeOf(line: Buffer): number {
  const time = /^([0-9a-f]{8})-([0-9a-f]{4})-7/.exec(predictionIdOf(line))
  return time ? Number.parseInt(time[1]! + time[2]!, 16) : NaN
}
