/**
 * The canonical JSON of an input schema → its id. Documents that leave out a default, or list keys or roles in another order, have the same.
 */
import { createHash } from 'node:crypto'
import type { Field } from './field.ts'
import { keysOfKind } from './field-document.ts'

const ID_LENGTH = 16

/** @param schema its keys, and those of the objects in it but the fields, in the canonical order */
export function schemaIdOf(schema: {
  readonly format: string
  readonly fields: readonly Field[]
  readonly userId: object
  readonly target: object
}): string {
  const fields = schema.fields.map((field) =>
    Object.fromEntries(keysOfKind(field.kind).map((key) => [key, field[key]])),
  )
  const canonical = JSON.stringify({ ...schema, fields })
  return createHash('sha256').update(canonical).digest('hex').slice(0, ID_LENGTH)
}
