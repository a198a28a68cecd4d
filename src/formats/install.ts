/**
 * What a reader makes of one install: its row and the user's id; or what is wrong with it, and where.
 */
import { type Fault, type Field, type InputSchema, type Row } from '../inputs/index.ts'

export interface ReadInstall {
  readonly row: Row
  /** The studio's own id of the player; null where there is none. */
  readonly userId: string | null
  /** The row that a model with other inputs takes; null where what came has not what that model needs. */
  rowFor(other: InputSchema): Row | null
}

/** @param line from 1, as editors count; where the install begins */
export type ReadRow =
  { readonly line: number; readonly install: ReadInstall } | { readonly line: number; readonly fault: Fault }

/** A reader of bytes as they arrive. */
export interface RowStream {
  /** The rows that these bytes complete; made as they are taken. */
  push(bytes: Uint8Array): Iterable<ReadRow>
  /** What is left when nothing more comes. */
  end(): Iterable<ReadRow>
}

/** Columns or members that no field has: files have them, and they are passed through; requests are refused for them. */
export type Others = 'kept' | 'refused'

export interface RowStreamOptions {
  readonly schema: InputSchema
  readonly others: Others
  /** Of a row in bytes, its line end included. */
  readonly maxRowBytes: number
  /** Schemas that `rowFor` may be asked for: their columns are known, too. */
  readonly otherSchemas?: readonly InputSchema[]
}

/** In requests; in files it is the schema's `userIdColumn`. */
export const USER_ID = 'user_id'

/** The user's id has the rules of a text, and stands outside the input schema. */
export const USER_ID_FIELD: Field = {
  name: USER_ID,
  column: USER_ID,
  kind: 'text',
  nullable: true,
  required: false,
  minimum: 0,
  maximum: 0,
  maxLength: 256,
  format: 'iso',
  trim: false,
  missing: [],
  roles: [],
  description: null,
  example: null,
  unit: null,
}
