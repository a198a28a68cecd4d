/**
 * What is wrong with a model file, and where: `where` is a path into the document, e.g. `tree_info[7].tree_structure`.
 */
export class ModelFormatError extends Error {
  readonly code = 'MODEL_FORMAT_INVALID'
  override readonly name = 'ModelFormatError'
  readonly where: string

  constructor(where: string, problem: string) {
    super(`model file, ${where}: ${problem}`)
    this.where = where
  }
}

/** A value from the file, for an error's text. Nothing of it is called or walked through: the file may be made to break that. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40))
  if (typeof value !== 'object' || value === null) return String(value)
  return Array.isArray(value) ? 'a list' : 'an object'
}

/** @throws ModelFormatError unless it is a whole number from `least` to `most` */
export function expectWhole(
  value: unknown,
  least: number,
  most: number,
  what: string,
  where: string,
): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  throw new ModelFormatError(
    where,
    `expected ${what} to be a whole number from ${least} to ${most}, got ${show(value)}`,
  )
}

export const MAX_INT32 = 2 ** 31 - 1
