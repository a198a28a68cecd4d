/**
 * The install as a request has it, of any input schema: what `intake.ts` takes, for the OpenAPI document.
 */
import { type TSchema, Type } from 'typebox'
import { type InputSchema, jsonSchemaOf, STORABLE_TEXT } from '../../inputs/index.ts'

/** PostgreSQL can store neither NUL nor half a surrogate pair, and the log must hold what was sent. */
export const STORABLE = {
  maxLength: 256,
  pattern: String.raw`^[^\u0000\uD800-\uDFFF]*$`,
  'x-expected': STORABLE_TEXT,
}

/** The studio's own id of the player stands outside of the input schema. */
export const USER_ID = 'user_id'

const UserId = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  minLength: 1,
  ...STORABLE,
  description: 'The studio’s own id of the player; kept in the log, not used for the prediction.',
})

/** A text of a bundle for a description of the OpenAPI document, which is Markdown and so may be HTML. */
export const asMarkdown = (text: string): string => text.replaceAll('<', '&lt;')

const DESCRIPTION = 'One player’s record at prediction time.'

export function installSchemaOf({ fields }: InputSchema): TSchema {
  const properties: [string, TSchema][] = fields.map((field) => {
    const known = jsonSchemaOf(field) as { readonly description?: string }
    const schema = Type.Unsafe<unknown>({
      ...known,
      ...(known.description !== undefined && { description: asMarkdown(known.description) }),
    })
    return [field.name, field.required ? schema : Type.Optional(schema)]
  })
  return Type.Object(Object.fromEntries([...properties, [USER_ID, Type.Optional(UserId)]]), {
    additionalProperties: false,
    description: DESCRIPTION,
  })
}

/**
 * What the routes are registered with: any body, since the model that answers says what an install is (`intake.ts`). In the OpenAPI document
 * the champion's stands in its place.
 */
export const Install = Type.Unsafe<unknown>({ $id: 'Install', description: DESCRIPTION })
export const InstallRef = Type.Unsafe<unknown>({ $ref: 'Install#' })
