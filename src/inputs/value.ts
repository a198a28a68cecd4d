/**
 * A value of a row. A boolean is 1 or 0; a time is whole milliseconds since 1970 in UTC.
 */
export type Value = string | number | null
