/**
 * The values of an install by position in the fields of its schema.
 */

/** A boolean is 1 or 0; a time is whole milliseconds since 1970 in UTC. */
export type Value = string | number | null
export type Row = readonly Value[]

/** Why a value is refused: `event_1: expected a number ≥ 0, got -1`. Not an Error, since a stack costs more than reading a thousand rows. */
export class Fault {
  /** The name of the field. */
  readonly field: string
  readonly message: string

  /** @param problem such as `expected text, got 5` */
  constructor(field: string, problem: string) {
    this.field = field
    this.message = `${field}: ${problem}`
  }
}
