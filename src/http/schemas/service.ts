/**
 * What the service says about itself: health, the model in service, the log's statistics.
 */
import { Type } from 'typebox'
import { VARIANTS } from '../../rollout/index.ts'
import { TrafficInForce } from './admin.ts'

const PredictionLogHealth = Type.Object({
  state: Type.String({
    description: '`connecting`, `shipping`, `backing-off`, `draining`, `closed` or `off`.',
  }),
  spool_bytes: Type.Integer({ description: 'Bytes of predictions that are not in the database yet.' }),
  stranded_segments: Type.Integer({
    description:
      'Files of the spool that another process left and that this one cannot take over. With one the service is `degraded`.',
  }),
  stranded_reason: Type.Union([Type.String(), Type.Null()], {
    description: 'Why not, such as `EACCES`: they belong to another user.',
  }),
  oldest_record_age_s: Type.Union([Type.Number(), Type.Null()], {
    description: 'Age of the oldest of them; null if there is none.',
  }),
  dropped: Type.Integer({
    description: 'Predictions that were answered but could not be kept, since the start.',
  }),
  quarantined: Type.Integer({
    description: 'Parts of the spool that were no records, and records that the database refused.',
  }),
  clock_offset_s: Type.Union([Type.Number(), Type.Null()], {
    description:
      'How far the clock of this host is ahead of the database’s. More than a minute off, the service is `degraded`, and drops no old predictions. Null: not known yet.',
  }),
  last_error: Type.Union([Type.String(), Type.Null()]),
})

const Status = Type.String({
  description:
    '`ok`; or `degraded`: predictions are answered, but the log cannot reach its database, or not write its spool, or not take over what another process left in it, or the clock is wrong, or a model that should serve does not, or the keys of callers cannot be read.',
})

const Slot = Type.Union(
  [
    Type.Object({
      name: Type.String(),
      version: Type.String(),
      created: Type.String(),
      origin: Type.String({ description: 'A folder, or `models:/name/version`.' }),
      serving_since: Type.String({ format: 'date-time' }),
    }),
    Type.Null(),
  ],
  { description: 'Null: nothing is served there.' },
)

const Follower = Type.Union(
  [
    Type.Object({
      state: Type.String({
        description: '`looking`, `following`, `fetching`, `refused`, `unreachable` or `stopped`.',
      }),
      wanted: Type.Union([Type.String(), Type.Null()], {
        description: 'What should serve, where it is known.',
      }),
      reason: Type.Union([Type.String(), Type.Null()], { description: 'Why it does not; null if it does.' }),
      refusals: Type.Integer({ description: 'Models that were refused since the start.' }),
    }),
    Type.Null(),
  ],
  { description: 'Null: nothing is followed there.' },
)

export const Health = Type.Object({
  status: Status,
  uptime_s: Type.Number(),
  model: Slot,
  challenger: Slot,
  rollout: Type.Object({ champion: Follower, challenger: Follower, traffic: TrafficInForce }),
  prediction_log: PredictionLogHealth,
  access: Type.Object({
    required: Type.Boolean({ description: 'Whether callers need a key or token.' }),
    keys: Type.Union([Type.String(), Type.Null()], {
      description:
        '`current`; `stale` or `remembered`: they cannot be read, and those that were known are in force; `unknown`: none is known yet. Null: `AUTH=off`.',
    }),
    issuer: Type.Union([Type.String(), Type.Null()], {
      description: '`current`, or `unreachable`. Null: tokens are not taken.',
    }),
  }),
})

export const Liveness = Type.Object({ status: Type.Literal('ok') })

export const Readiness = Type.Object({
  status: Status,
  checks: Type.Object({ model: Type.String(), prediction_log: PredictionLogHealth }),
})

export const ModelQuery = Type.Object(
  { variant: Type.Optional(Type.Enum([...VARIANTS], { description: 'Default: champion.' })) },
  { additionalProperties: false },
)

const Trees = {
  objective: Type.String(),
  offset: Type.Boolean({ description: 'True: the plan’s offset is added to its raw score.' }),
  trees: Type.Integer(),
}

export const ModelInfo = Type.Object({
  name: Type.String(),
  version: Type.String(),
  variant: Type.String(),
  origin: Type.String({ description: 'Where it came from: a folder, or `models:/name/version`.' }),
  serving_since: Type.String({ format: 'date-time' }),
  created: Type.String(),
  objective: Type.String(),
  trees: Type.Integer({ description: 'Of all ensembles.' }),
  prediction: Type.Object(
    {
      combine: Type.String({
        description:
          '`single`: one ensemble; `mean` of several; `hurdle`: the chance to pay times what a payer brings.',
      }),
      ensembles: Type.Array(
        Type.Object({ role: Type.String({ description: '`revenue`, `payer` or `amount`.' }), ...Trees }),
      ),
      interval: Type.Union([Type.Object({ p10: Type.Object(Trees), p90: Type.Object(Trees) }), Type.Null()], {
        description: 'Null: answers have no interval.',
      }),
    },
    { description: 'How the ensembles make one prediction.' },
  ),
  features: Type.Array(Type.String()),
  categorical: Type.Array(Type.String()),
  horizon_days: Type.Number({ description: 'Days after the install whose revenue is predicted.' }),
  lightgbm_version: Type.String(),
  golden_predictions: Type.Integer({
    description: 'Predictions of Python’s LightGBM that this service reproduced when it loaded the model.',
  }),
  training: Type.Object({
    rows: Type.Integer(),
    description: Type.String(),
    synthetic: Type.Boolean({ description: 'True: trained on made-up data, for trying out only.' }),
    data_sha256: Type.String(),
    flagged: Type.Array(
      Type.Object({
        field: Type.String(),
        value: Type.String({ description: 'In lower case.' }),
        rows: Type.Integer(),
        revenue_share: Type.Number({ description: 'Of all revenue, 0 to 1.' }),
        ratio: Type.Number({ description: 'Revenue per event, over that of all other installs.' }),
      }),
      {
        description: 'Groups whose revenue looks as if it were in another unit; mistrust their predictions.',
      },
    ),
    flagged_dropped: Type.Boolean({ description: 'True: training left these groups out.' }),
  }),
  metrics: Type.Unknown({ description: 'As training reported them.' }),
  parameters: Type.Unknown({ description: 'As training set them.' }),
})
