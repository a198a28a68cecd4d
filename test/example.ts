/**
 * The example request of the README.
 */
import { type InputSchema, NINE_FIELDS, type Row, type Value } from '../src/inputs/index.ts'

export const EXAMPLE = {
  country: 'es',
  country_region: 'Madrid',
  source: 'Organic',
  platform: 'iOS',
  device_family: 'Apple iPhone',
  os_version: '14.4',
  event_1: 100,
  event_2: 50,
  event_3: 10,
}

export type Install = Readonly<Record<string, string | number | boolean | null>>

/** The row of an install by names; what is left out is null. */
export function rowOf(install: Install, schema: InputSchema = NINE_FIELDS): Row {
  return schema.fields.map(({ name, kind }) => {
    const value = install[name] ?? null
    return kind === 'boolean' && value !== null ? Number(value) : (value as Value)
  })
}

/** The install of a row, by names. */
export function installOf({ inputs, row }: { readonly inputs: InputSchema; readonly row: Row }) {
  return Object.fromEntries(inputs.fields.map(({ name }, at) => [name, row[at]!])) as typeof EXAMPLE
}

export const EXAMPLE_ROW = rowOf(EXAMPLE)
