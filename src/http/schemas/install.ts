/**
 * The install as a request has it. Strict: every field is present, nothing is coerced, nothing unknown is let through.
 */
import { type Static, Type } from 'typebox'
import { MAX_COUNT, MAX_TEXT_LENGTH, STORABLE_TEXT } from '../../features/index.ts'

/** PostgreSQL can store neither NUL nor half a surrogate pair, and the log must hold what was sent. */
export const STORABLE = {
  maxLength: MAX_TEXT_LENGTH,
  pattern: String.raw`^[^\u0000\uD800-\uDFFF]*$`,
  'x-expected': STORABLE_TEXT,
}

const text = (description: string, example: string) =>
  Type.Unsafe<string | null>({
    type: ['string', 'null'],
    ...STORABLE,
    description,
    examples: [example],
  })

const count = (description: string, example: number) =>
  Type.Number({ minimum: 0, maximum: MAX_COUNT, description, examples: [example] })

export const Install = Type.Object(
  {
    country: text('ISO 3166 code of the country.', 'es'),
    country_region: text('Region within the country.', 'Madrid'),
    source: text('`Organic` or `Non-Organic`.', 'Organic'),
    platform: text('`iOS` or `Android`, in any case.', 'iOS'),
    device_family: text('Brand and model family.', 'Apple iPhone'),
    os_version: text('Version of the operating system.', '14.4'),
    event_1: count('How often event 1 happened on the first day.', 100),
    event_2: count('How often event 2 happened on the first day.', 50),
    event_3: Type.Unsafe<number | null>({
      type: ['number', 'null'],
      minimum: 0,
      maximum: MAX_COUNT,
      description: 'How often event 3 happened on the first day; null if it is not known.',
      examples: [10],
    }),
    user_id: Type.Optional(
      Type.Unsafe<string | null>({
        type: ['string', 'null'],
        minLength: 1,
        ...STORABLE,
        description: 'The studio’s own id of the player; kept in the log, not used for the prediction.',
      }),
    ),
  },
  { $id: 'Install', additionalProperties: false, description: 'One player’s record at prediction time.' },
)

export type InstallBody = Static<typeof Install>
export const InstallRef = Type.Unsafe<InstallBody>({ $ref: 'Install#' })
