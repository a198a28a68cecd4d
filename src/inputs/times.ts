/**
 * Texts and epochs → milliseconds since 1970 in UTC, rounded down. Only the Gregorian calendar is known, and no leap second.
 */
import type { TimeFormat } from './field.ts'
import { parseDecimal } from './decimals.ts'

/** 0001-01-01T00:00:00.000Z */
export const EARLIEST_MS = -62_135_596_800_000
/** 9999-12-31T23:59:59.999Z */
export const LATEST_MS = 253_402_300_799_999

const SECOND_MS = 1000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** An epoch of a smaller size is in seconds; and so on. All are in the year 5138 or earlier, or in 1973 or later. */
const SECONDS_BELOW = 1e11
const MILLISECONDS_BELOW = 1e14
const MICROSECONDS_BELOW = 1e17

/** Seconds, milliseconds, microseconds or nanoseconds, told by their size. */
export function timeFromEpoch(epoch: number): number {
  const size = Math.abs(epoch)
  if (size < SECONDS_BELOW) return floorNearly(epoch * SECOND_MS)
  if (size < MILLISECONDS_BELOW) return Math.floor(epoch)
  if (size < MICROSECONDS_BELOW) return floorNearly(epoch / 1e3)
  return floorNearly(epoch / 1e6)
}

/** What is less than a rounding error below a whole number counts as that: 1609459200.123 s have 123 ms, whatever the double is. */
function floorNearly(milliseconds: number): number {
  const floor = Math.floor(milliseconds)
  const isRounding = milliseconds - floor >= 1 - Math.abs(milliseconds) * Number.EPSILON
  return (isRounding ? floor + 1 : floor) + 0 // -0 becomes 0
}

/** NaN if it is no time in ISO 8601, no epoch and none of the format. */
export function timeFromText(text: string, format: TimeFormat): number {
  const epoch = parseDecimal(text)
  if (!Number.isNaN(epoch)) return timeFromEpoch(epoch)
  const iso = ISO_8601.exec(text)
  if (iso) return timeFromIso(iso)
  const local = format === 'iso' ? null : DAY_OR_MONTH_FIRST.exec(text)
  return local === null ? NaN : timeFromLocal(local, format === 'day_first')
}

const ISO_8601 =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?(?:Z| UTC|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?$/

function timeFromIso(match: RegExpExecArray): number {
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = ''] = match
  const [sign, zoneHour = '0', zoneMinute = '0'] = match.slice(8)
  const clock = clockTime(Number(hour), Number(minute), Number(second))
  const zone = clockTime(Number(zoneHour), Number(zoneMinute), 0)
  const thousandths = Number(fraction.slice(0, 3).padEnd(3, '0'))
  const offset = sign === '-' ? -zone : zone
  return dayTime(Number(year), Number(month), Number(day)) + clock + thousandths - offset
}

const DAY_OR_MONTH_FIRST =
  /^([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})(?:,? ([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?( [AP]M)?)?$/

function timeFromLocal(match: RegExpExecArray, isDayFirst: boolean): number {
  const [, first, , second, year, hour = '0', minute = '0', seconds = '0', half] = match
  const [day, month] = isDayFirst ? [first, second] : [second, first]
  const date = dayTime(Number(year), Number(month), Number(day))
  if (half === undefined) return date + clockTime(Number(hour), Number(minute), Number(seconds))
  // 12 AM is midnight, and 12 PM is noon.
  if (Number(hour) < 1 || Number(hour) > 12) return NaN
  const hours = (Number(hour) % 12) + (half === ' PM' ? 12 : 0)
  return date + clockTime(hours, Number(minute), Number(seconds))
}

/** NaN for what no clock shows. */
function clockTime(hour: number, minute: number, second: number): number {
  if (hour > 23 || minute > 59 || second > 59) return NaN
  return hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS
}

const DAYS_OF_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** NaN for a day that is in no calendar. */
function dayTime(year: number, month: number, day: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = month === 2 && isLeap ? 29 : DAYS_OF_MONTH[month - 1]
  if (days === undefined || day < 1 || day > days) return NaN
  return daysSince1970(year, month, day) * DAY_MS
}

/** Years begin in March here, so that a leap day is the last of its year. */
function daysSince1970(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1
  const century = Math.floor(marchYear / 100)
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const leapDays = Math.floor(marchYear / 4) - century + Math.floor(century / 4)
  return marchYear * 365 + leapDays + dayOfYear - 719_468
}
