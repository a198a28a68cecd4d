/**
 * What callers give → doubles. In JavaScript a row may be anything: null and undefined are missing; whatever else is no number
 * is a TypeError, since a guess (`Number('') === 0`) would be a wrong prediction that nobody sees.
 */
import { show } from './errors.ts'

const TypedArray = Object.getPrototypeOf(Uint8Array) as { new (): object }

/**
 * @param scratch gives the array that a row is copied into if it is no Float64Array
 * @throws TypeError for what is no list of numbers; RangeError for another length
 */
export function doublesOf(
  what: string,
  values: unknown,
  length: number,
  scratch: (length: number) => Float64Array,
): Float64Array {
  if (values instanceof Float64Array) return expectLength(what, values, length)
  if (!Array.isArray(values) && !(values instanceof TypedArray))
    throw new TypeError(`expected ${what} to be a Float64Array or a list of numbers, got ${show(values)}`)
  const list = values as ArrayLike<unknown>
  expectLength(what, list, length)
  const doubles = scratch(length)
  for (let at = 0; at < length; at++) doubles[at] = doubleOf(list[at], what, at)
  return doubles
}

/** @param place the name or the number of the value, for the error */
export function doubleOf(value: unknown, what: string, place: string | number): number {
  if (typeof value === 'number') return value
  if (value === null || value === undefined) return NaN
  throw new TypeError(
    `${what}, ${typeof place === 'number' ? `value ${place}` : JSON.stringify(place.slice(0, 40))}: ` +
      `expected a number, or null for a missing value, got ${show(value)}`,
  )
}

export function expectLength<T extends ArrayLike<unknown>>(what: string, values: T, length: number): T {
  if (values.length !== length)
    throw new RangeError(`expected ${what} of ${length} doubles, got ${values.length}`)
  return values
}

/** @throws TypeError unless it is a Float64Array: numbers written to another array would be rounded, or lost */
export function expectOut(out: unknown, length: number): Float64Array {
  if (!(out instanceof Float64Array))
    throw new TypeError(`expected out to be a Float64Array, got ${show(out)}`)
  return expectLength('out', out, length)
}
