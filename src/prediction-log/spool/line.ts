/**
 * A record ↔ one line of the spool: a checksum of eight hexadecimal digits, a tab, and the record as PostgreSQL's COPY reads it
 * (text format: fields between tabs, `\N` for null). A line whose checksum does not fit is no record.
 */
import { crc32 } from 'node:zlib'
import { LOG_FIELDS, type LogField, type PredictionRecord } from '../record.ts'

/** The fields of a line and their types in PostgreSQL. */
export const LINE_COLUMNS = [
  ['checksum', 'text'],
  ['prediction_id', 'uuid'],
  ['time', 'timestamptz'],
  ['user_id', 'text'],
  ['country', 'text'],
  ['country_region', 'text'],
  ['source', 'text'],
  ['platform', 'text'],
  ['device_family', 'text'],
  ['os_version', 'text'],
  ['event_1', 'double precision'],
  ['event_2', 'double precision'],
  ['event_3', 'double precision'],
  ['predicted_revenue', 'double precision'],
  ['raw_score', 'double precision'],
  ['inference_time_us', 'double precision'],
  ['model_name', 'text'],
  ['model_version', 'text'],
  ['variant', 'text'],
] as const

const NULL = String.raw`\N`
const SPECIAL = /[\\\t\n\r]/
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }
const NEWLINE = 0x0a
const TAB = 0x09
const CHECKSUM_BYTES = 8
const PREDICTION_ID_BYTES = 36
const FIRST_BUFFER_BYTES = 64 * 1024
/** A UTF-16 unit becomes at most three bytes. */
const MAX_UNIT_BYTES = 3

/** Records → the bytes of their lines, gathered until somebody takes them. */
export class LineBuffer {
  readonly #fields = LOG_FIELDS.slice(1) as Exclude<LogField, 'user_id'>[]
  readonly #kept: readonly boolean[]
  #bytes = Buffer.allocUnsafe(FIRST_BUFFER_BYTES)
  #spare = Buffer.allocUnsafe(FIRST_BUFFER_BYTES)
  #length = 0
  #lastMs = NaN
  #lastTime = ''

  /** @param kept the inputs that are logged; the others become null */
  constructor(kept: ReadonlySet<LogField>) {
    this.#kept = LOG_FIELDS.map((field) => kept.has(field))
  }

  append(record: PredictionRecord): void {
    const body = this.#bodyOf(record)
    const needed = this.#length + CHECKSUM_BYTES + body.length * MAX_UNIT_BYTES
    if (needed > this.#bytes.length) this.#grow(needed)
    const bytes = this.#bytes
    const start = this.#length + CHECKSUM_BYTES
    const end = start + bytes.write(body, start)
    bytes.write(checksumOf(bytes.subarray(start + 1, end)), this.#length, 'latin1')
    this.#length = end
  }

  /** Good until the next call. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length)
    ;[this.#bytes, this.#spare] = [this.#spare, this.#bytes]
    this.#length = 0
    return taken
  }

  /** With the tab before it and the newline behind it. */
  #bodyOf(record: PredictionRecord): string {
    const ms = record.time.getTime()
    if (ms !== this.#lastMs) {
      this.#lastMs = ms
      this.#lastTime = record.time.toISOString()
    }
    const kept = this.#kept
    let body = `\t${record.predictionId}\t${this.#lastTime}\t${kept[0] ? fieldOf(record.userId) : NULL}`
    for (let i = 0; i < this.#fields.length; i++)
      body += kept[i + 1] ? `\t${fieldOf(record.install[this.#fields[i]!])}` : `\t${NULL}`
    return `${body}\t${record.predictedRevenue}\t${record.rawScore}\t${record.inferenceTimeUs}\t${fieldOf(record.modelName)}\t${fieldOf(record.modelVersion)}\t${fieldOf(record.variant)}\n`
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}

export function fieldOf(value: string | number | null): string {
  if (value === null) return NULL
  if (typeof value === 'number') return String(value)
  return SPECIAL.test(value) ? value.replaceAll(/[\\\t\n\r]/g, (character) => ESCAPES[character]!) : value
}

const checksumOf = (body: Uint8Array): string => crc32(body).toString(16).padStart(8, '0')

/** @param line with its newline */
export function isWhole(line: Buffer): boolean {
  return (
    line.length > CHECKSUM_BYTES + 1 &&
    line[CHECKSUM_BYTES] === TAB &&
    line.toString('latin1', 0, CHECKSUM_BYTES) === checksumOf(line.subarray(CHECKSUM_BYTES + 1))
  )
}

/** The prediction of a whole line. */
export const predictionIdOf = (line: Buffer): string =>
  line.toString('latin1', CHECKSUM_BYTES + 1, CHECKSUM_BYTES + 1 + PREDICTION_ID_BYTES)

/** When a line's prediction was made, in ms since 1970, as its UUIDv7 says. NaN if it is no line. */
export function timeOf(line: Buffer): number {
  const time = /^([0-9a-f]{8})-([0-9a-f]{4})-7/.exec(predictionIdOf(line))
  return time ? Number.parseInt(time[1]! + time[2]!, 16) : NaN
}

export interface Sifted {
  /** Whole lines, one after the other as they were. */
  readonly good: readonly Buffer[]
  readonly goodCount: number
  /** Each is one line or a part of one. */
  readonly bad: readonly Buffer[]
  /** Bytes after the last newline. */
  readonly rest: Buffer
}

/** Parts the bytes of a segment into runs of whole lines and lines that are none. */
export function sift(bytes: Buffer): Sifted {
  const good: Buffer[] = []
  const bad: Buffer[] = []
  let goodCount = 0
  let runStart = 0
  let start = 0
  const endRun = (end: number): void => {
    if (end > runStart) good.push(bytes.subarray(runStart, end))
  }
  for (let newline; (newline = bytes.indexOf(NEWLINE, start)) !== -1; start = newline + 1) {
    const line = bytes.subarray(start, newline + 1)
    if (isWhole(line)) {
      goodCount++
      continue
    }
    endRun(start)
    const whole = wholeEnd(line)
    if (whole) {
      good.push(whole)
      goodCount++
    }
    bad.push(line.subarray(0, line.length - (whole?.length ?? 0)))
    runStart = newline + 1
  }
  endRun(start)
  return { good, goodCount, bad, rest: bytes.subarray(start) }
}

/** A record that stands whole behind foreign bytes: their line feed was lost, its own was not. */
function wholeEnd(line: Buffer): Buffer | undefined {
  for (let tab = line.indexOf(TAB, CHECKSUM_BYTES + 1); tab !== -1; tab = line.indexOf(TAB, tab + 1)) {
    const end = line.subarray(tab - CHECKSUM_BYTES)
    if (isWhole(end)) return end
  }
  return undefined
}
