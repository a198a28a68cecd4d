/**
 * What `/admin/rollout` takes and answers: the split of the traffic.
 */
import { type Static, Type } from 'typebox'
import { STORABLE } from './install.ts'

const Percent = (who: string) =>
  Type.Number({ minimum: 0, maximum: 100, description: `Percent of the users that the ${who} answers.` })

const Shadow = Type.Unsafe<'challenger' | null>({
  enum: ['challenger', null],
  description:
    '`challenger`: it also scores what the champion answers. Null: it does not. Left out: as before.',
})

const Salt = Type.String({
  ...STORABLE,
  minLength: 1,
  description: 'Left out: as before. Changed, it deals the users anew to champion and challenger.',
})

export const TrafficBody = Type.Object(
  {
    champion: Percent('champion'),
    challenger: Percent('challenger'),
    shadow: Type.Optional(Shadow),
    salt: Type.Optional(Salt),
  },
  { additionalProperties: false },
)
export type TrafficBody = Static<typeof TrafficBody>

export const TrafficInForce = Type.Object({
  champion: Percent('champion'),
  challenger: Percent('challenger'),
  shadow: Shadow,
  salt: Salt,
  origin: Type.String({ description: '`settings`, or `admin`: set by a call, for all processes.' }),
  since: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
    description: 'When it was kept; null: the database has not been read yet.',
  }),
})

const Told = (maxLength: number, description: string) =>
  Type.String({ ...STORABLE, minLength: 1, maxLength, description })

export const RetrainingBody = Type.Object(
  {
    outcome: Type.Unsafe<'published' | 'refused'>({
      enum: ['published', 'refused'],
      description: '`refused`: a gate was not passed.',
    }),
    model: Told(256, 'The registered name.'),
    version: Type.Optional(Told(256, 'Of the model that was published.')),
    detail: Told(2_000, 'Why, for people.'),
    host: Told(256, 'The machine that retrained.'),
  },
  { additionalProperties: false },
)

export const RetrainingKept = Type.Object({
  time: Type.String({ format: 'date-time', description: 'Of the event in `/model/history`.' }),
})
