/**
 * A stored value → what a field's rules read, and what a CSV or NDJSON has of it. Nothing is rounded: decimals keep their digits, times
 * their unit, and dates beyond those of JavaScript their year.
 */
import { type Form, type TimeUnit } from './form.ts'

const PER_SECOND: Readonly<Record<TimeUnit, bigint>> = {
  MILLIS: 1_000n,
  MICROS: 1_000_000n,
  NANOS: 1_000_000_000n,
}
const DIGITS: Readonly<Record<TimeUnit, number>> = { MILLIS: 3, MICROS: 6, NANOS: 9 }
const DAY_SECONDS = 86_400n
const DAY_MS = 86_400_000
/** Of a Date, on both sides of 1970. */
const MOST_MS = 8.64e15

/** As `valueFromParquet` takes it. */
export function fieldValueOf(value: unknown, form: Form): unknown {
  if (value === null || value === undefined) return null
  switch (form.of) {
    case 'date':
      return dateOf(Number(value) * DAY_MS)
    case 'timestamp':
      return dateOf(Number(floorDivide(BigInt(value as bigint) * 1_000n, PER_SECOND[form.unit])))
    case 'decimal':
      return Number(decimalText(value, form.scale))
    default:
      return value
  }
}

/** Null for null. */
export function textOf(value: unknown, form: Form): string | null {
  if (value === null || value === undefined) return null
  switch (form.of) {
    case 'date':
      return dayText(Number(value))
    case 'timestamp':
      return `${timestampText(BigInt(value as bigint), form.unit)}${form.isUtc ? 'Z' : ''}`
    case 'time':
      return clockText(BigInt(value as bigint), form.unit)
    case 'decimal':
      return decimalText(value, form.scale)
    case 'enum':
    case 'json':
    case 'text':
      return value instanceof Uint8Array ? lossy.decode(value) : String(value)
    case 'bytes':
      return Buffer.from(value as Uint8Array).toString('base64')
    case 'nested':
      return nestedJson(value)
    default:
      return String(value)
  }
}

/** Numbers, true and false are such in JSON, too; all else is a text. */
export function jsonOf(value: unknown, form: Form): string {
  const text = textOf(value, form)
  if (text === null || Number.isNaN(value)) return 'null'
  const isBare =
    form.of === 'integer' || form.of === 'boolean' || form.of === 'decimal' || form.of === 'nested'
  return isBare || (form.of === 'float' && Number.isFinite(value)) ? text : JSON.stringify(text)
}

const dateOf = (ms: number): Date => new Date(Math.min(MOST_MS, Math.max(-MOST_MS, ms)))

function timestampText(units: bigint, unit: TimeUnit): string {
  const perDay = DAY_SECONDS * PER_SECOND[unit]
  const day = floorDivide(units, perDay)
  return `${dayText(Number(day))}T${clockText(units - day * perDay, unit)}`
}

function clockText(units: bigint, unit: TimeUnit): string {
  const perSecond = PER_SECOND[unit]
  const seconds = Number(units / perSecond)
  const fraction = String(units % perSecond).padStart(DIGITS[unit], '0')
  const two = (number: number): string => String(number).padStart(2, '0')
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${fraction}`
}

/** `2026-01-02`; years before 0 and after 9999 have a sign and six digits or more, as in JavaScript. */
function dayText(daysSince1970: number): string {
  // Years begin in March here, so that a leap day is the last of its year; an era is 400 years.
  const days = daysSince1970 + 719_468
  const era = Math.floor(days / 146_097)
  const dayOfEra = days - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  const size = String(Math.abs(year))
  const isPlain = year >= 0 && year <= 9999
  const yearText = isPlain ? size.padStart(4, '0') : `${year < 0 ? '-' : '+'}${size.padStart(6, '0')}`
  return `${yearText}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

/** Digits with a point `scale` places before their end. @param value an integer, or one as big-endian bytes */
function decimalText(value: unknown, scale: number): string {
  const unscaled = value instanceof Uint8Array ? bigEndian(value) : BigInt(value as number | bigint)
  const sign = unscaled < 0n ? '-' : ''
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  return `${sign}${whole}${scale > 0 ? `.${digits.slice(digits.length - scale)}` : ''}`
}

/** Two's complement. */
function bigEndian(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`))
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b < 0n ? quotient - 1n : quotient
}

/** In the standard, and not in TypeScript's library. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }

function nestedJson(value: unknown): string {
  const plain = (_: string, each: unknown): unknown => {
    if (typeof each === 'bigint') return rawJSON(String(each))
    return each instanceof Uint8Array ? lossy.decode(each) : each
  }
  return JSON.stringify(value, plain) ?? 'null'
}

/** What is no UTF-8 is shown as U+FFFD. */
const lossy = new TextDecoder('utf-8', { ignoreBOM: true })
