/**
 * The latest predictions, some ten thousand of them → how their revenue is distributed, and which values their facets
 * have. The minutes' totals say where they begin, so that the question costs the same with ten million predictions as with ten.
 */
import type { Sql } from 'postgres'

export interface RecentQuery {
  readonly now: Date
  /** About so many; never more than twice as many. */
  readonly atMost: number
  readonly facets: readonly string[]
}

export interface Recent {
  /** When the first of them was made; null if there is none. */
  readonly from: Date | null
  readonly predictions: number
  /** Null if there is none. */
  readonly meanRevenue: number | null
  /** Predictions of exactly 0. */
  readonly zeros: number
  /** In order, without gaps; each from its lower edge up to the next one's, four to a power of ten; the one from 1e9 on holds all that is above, too. */
  readonly bins: readonly { readonly lower: number; readonly upper: number; readonly predictions: number }[]
  /** In the order of the question; of predictions whose schema has the facet. */
  readonly facets: readonly FacetSegments[]
}

export interface FacetSegments {
  readonly facet: string
  /** The twelve with the most predictions, most first; then all others as one, where there are more. */
  readonly segments: readonly Segment[]
}

export interface Segment {
  /** In lower case; what was null is `unknown`. Null: all others. */
  readonly value: string | null
  readonly predictions: number
  readonly meanRevenue: number
}

const LOOKS_BACK_MS = 24 * 3_600_000
const MOST_SEGMENTS = 12
const BINS_PER_DECADE = 4
/** A model can be made to answer 1e300. */
const LAST_BIN = 9 * BINS_PER_DECADE

export async function queryRecent(sql: Sql, { now, atMost, facets }: RecentQuery): Promise<Recent> {
  const from = await startOf(sql, now, atMost)
  if (!from) return none(facets)
  const rows = await sql<Row[]>`
    with recent as materialized (
      select time, predicted_revenue::numeric as revenue, schema_id, inputs,
        case when predicted_revenue > 0
          then least(floor(log(predicted_revenue::numeric) * ${BINS_PER_DECADE}::numeric)::integer, ${LAST_BIN}::integer) end as bin
      from predictions where time >= ${from} and time <= ${now}
      limit ${2 * atMost}
    ), valued as (
      select facet, day7_facet_value(inputs ->> facet) as value, revenue
      from recent join input_schemas using (schema_id), unnest(${[...facets]}::text[]) as facet
      where facet = any (facets)
    ), segments as (
      select facet, value, count(*) as predictions, sum(revenue) as revenue,
        row_number() over (partition by facet order by count(*) desc, value) as place
      from valued group by facet, value
    )
    select
      case grouping(bin) when 0 then 'bin' else 'all' end as kind,
      null as facet, null as value, bin, count(*)::double precision as predictions,
      avg(revenue)::double precision as "meanRevenue", min(time) as first, 0 as place
    from recent group by grouping sets ((bin), ())
    union all
    select
      'segment', facet, case when place <= ${MOST_SEGMENTS} then value end, null, sum(predictions)::double precision,
      (sum(revenue) / sum(predictions))::double precision, null, min(place)
    from segments group by facet, 3, place <= ${MOST_SEGMENTS}
    order by place`
  const all = rows.find(({ kind }) => kind === 'all')!
  const bins = rows.filter(({ kind }) => kind === 'bin')
  return {
    from: all.first,
    predictions: all.predictions,
    meanRevenue: all.meanRevenue,
    zeros: bins.find(({ bin }) => bin === null)?.predictions ?? 0,
    bins: withoutGaps(bins),
    facets: facets.map((facet) => ({
      facet,
      segments: rows
        .filter((row) => row.kind === 'segment' && row.facet === facet)
        .map(({ value, predictions, meanRevenue }) => ({ value, predictions, meanRevenue: meanRevenue! })),
    })),
  }
}

interface Row {
  readonly kind: 'segment' | 'bin' | 'all'
  readonly facet: string | null
  readonly value: string | null
  readonly bin: number | null
  readonly predictions: number
  readonly meanRevenue: number | null
  readonly first: Date | null
}

const none = (facets: readonly string[]): Recent => ({
  from: null,
  predictions: 0,
  meanRevenue: null,
  zeros: 0,
  bins: [],
  facets: facets.map((facet) => ({ facet, segments: [] })),
})

/** Walks back over the minutes until there are enough. Of a minute that alone has more, a last part is taken. */
async function startOf(sql: Sql, now: Date, atMost: number): Promise<Date | null> {
  const minutes = await sql<{ start: Date; predictions: number; first: Date; last: Date }[]>`
    select start, predictions::double precision as predictions, first, last from prediction_totals
    where resolution = 'minute' and start >= ${new Date(now.getTime() - LOOKS_BACK_MS)} and start <= ${now}
    order by start desc`
  let sum = 0
  for (const [at, { start, predictions, first, last }] of minutes.entries()) {
    if (sum + predictions > atMost) {
      if (at > 0) return minutes[at - 1]!.start
      const share = atMost / predictions
      return new Date(last.getTime() - (last.getTime() - first.getTime()) * share)
    }
    sum += predictions
    if (at === minutes.length - 1) return start
  }
  return null
}

function withoutGaps(rows: readonly Row[]): Recent['bins'] {
  const counts = new Map(rows.flatMap(({ bin, predictions }) => (bin === null ? [] : [[bin, predictions]])))
  if (counts.size === 0) return []
  const first = Math.min(...counts.keys())
  return Array.from({ length: Math.max(...counts.keys()) - first + 1 }, (_, at) => ({
    lower: edge(first + at),
    upper: edge(first + at + 1),
    predictions: counts.get(first + at) ?? 0,
  }))
}

const edge = (bin: number): number => 10 ** (bin / BINS_PER_DECADE)
