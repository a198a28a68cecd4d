/**
 * A field of the input schema, with every key that the document may leave out filled in.
 */

export const KIND_NAMES = ['text', 'number', 'boolean', 'time'] as const
export type Kind = (typeof KIND_NAMES)[number]

/**
 * `facet`: figures are broken down by it. `personal`: left out of the log unless asked for. `event`: a count. `amount`: money or a
 * duration. `group`: the facet whose rates the recipe estimates. `version`: such as 14.4.1. `install_time`: when the player installed.
 */
export const ROLES = ['facet', 'personal', 'event', 'amount', 'group', 'version', 'install_time'] as const
export type Role = (typeof ROLES)[number]

export const ROLES_OF_KIND: Readonly<Record<Kind, readonly Role[]>> = {
  text: ['facet', 'personal', 'group', 'version'],
  number: ['personal', 'event', 'amount'],
  boolean: ['facet', 'personal'],
  time: ['personal', 'install_time'],
}

/** How a time may be written beside ISO 8601. */
export const TIME_FORMATS = ['iso', 'day_first', 'month_first'] as const
export type TimeFormat = (typeof TIME_FORMATS)[number]

/** The greatest size of a number; a sum of several stays finite. */
export const MAX_NUMBER = 1e300
/** In code points. */
export const DEFAULT_MAX_LENGTH = 256

export interface Field {
  readonly name: string
  /** Its name in files. */
  readonly column: string
  readonly kind: Kind
  readonly nullable: boolean
  /** Whether a request must have it; if not, absent means null. */
  readonly required: boolean
  /** Of numbers; -1e300 where the document says nothing. */
  readonly minimum: number
  /** Of numbers; 1e300 where the document says nothing. */
  readonly maximum: number
  /** Of texts, in code points. */
  readonly maxLength: number
  /** Of times. */
  readonly format: TimeFormat
  /** Whether ASCII white space at both ends of a text or cell is dropped first. */
  readonly trim: boolean
  /** Texts that stand for null. */
  readonly missing: readonly string[]
  /** In the order of `ROLES`. */
  readonly roles: readonly Role[]
  readonly description: string | null
  /** As a request has it; null where there is none. */
  readonly example: string | number | boolean | null
  readonly unit: string | null
}
