/**
 * What `/stats/recent` and `/stats/live` answer.
 */
import { Type } from 'typebox'

const Time = Type.String({ format: 'date-time' })

const Segments = Type.Array(
  Type.Object({
    value: Type.String({
      description: 'In lower case; null is `unknown`. `(others)`: all that are not listed.',
    }),
    predictions: Type.Integer(),
    mean_predicted_revenue: Type.Number(),
  }),
  { description: 'The twelve values with the most predictions, most first.' },
)

export const RecentAnswer = Type.Object({
  from: Type.Union([Time, Type.Null()], {
    description: 'When the first of them was made; null if there is none.',
  }),
  predictions: Type.Integer({
    description: 'How many were looked at: those of the last day, at most some ten thousand.',
  }),
  mean_predicted_revenue: Type.Union([Type.Number(), Type.Null()]),
  distribution: Type.Object({
    zeros: Type.Integer({ description: 'Predictions of exactly 0.' }),
    bins: Type.Array(
      Type.Object({
        lower: Type.Number({ description: 'Itself included.' }),
        upper: Type.Number({ description: 'Itself excluded.' }),
        predictions: Type.Integer(),
      }),
      {
        description:
          'Of predicted revenue above 0; four bins to a power of ten, in order, without gaps. The one from 1e9 on holds all that is above, too.',
      },
    ),
  }),
  facets: Type.Array(
    Type.Object({
      facet: Type.String({ description: 'A field with the role `facet`.' }),
      segments: Segments,
    }),
    { description: 'Of the champion; of predictions whose model has the facet.' },
  ),
})

const MsOrNull = (share: string) =>
  Type.Union([Type.Number(), Type.Null()], {
    description: `What ${share} of the requests for predictions took at most since the last event; null if there were none.`,
  })

const LiveTick = Type.Object({
  time: Time,
  process: Type.Integer({ description: 'Its id: where there are several, each tells of itself.' }),
  predictions: Type.Integer({ description: 'Installs that it answered since it started.' }),
  predictions_per_s: Type.Number({ description: 'Since the last event.' }),
  p50_ms: MsOrNull('half'),
  p99_ms: MsOrNull('99 in 100'),
  status: Type.String({ description: '`ok` or `degraded`, as /health has it.' }),
  version: Type.Union([Type.String(), Type.Null()], {
    description: 'Of the champion; null if there is none yet.',
  }),
  log: Type.Object({ state: Type.String(), spool_bytes: Type.Integer(), dropped: Type.Integer() }),
})

/** One server-sent event: of a stream of them OpenAPI 3.1 cannot tell more. */
export const LiveEvent = Type.Object({
  data: Type.String({ contentMediaType: 'application/json', contentSchema: LiveTick }),
})
