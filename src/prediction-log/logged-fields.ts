/**
 * Which inputs the log keeps: those that LOG_FIELDS names, or else all but the personal ones.
 */
import type { InputSchema } from '../inputs/index.ts'

/** Names of fields, and `user_id`. Null: `user_id` and every field without the role `personal`. */
export type LoggedFields = ReadonlySet<string> | null

export const USER_ID = 'user_id'

export const keepsUserId = (fields: LoggedFields): boolean => fields === null || fields.has(USER_ID)

/** The places of the fields that are kept, in the order of the schema. */
export const loggedPlaces = (fields: LoggedFields, inputs: InputSchema): readonly number[] =>
  inputs.fields.flatMap(({ name, roles }, at) =>
    (fields === null ? !roles.includes('personal') : fields.has(name)) ? [at] : [],
  )

/** Names that are none of the schema's. */
export const namesUnknownTo = (inputs: InputSchema, fields: LoggedFields): readonly string[] =>
  [...(fields ?? [])].filter((name) => name !== USER_ID && inputs.indexOf(name) === -1)
