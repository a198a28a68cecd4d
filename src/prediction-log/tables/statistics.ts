/**
 * What the log says about its predictions, from the buckets that shipments keep: as fast with ten million predictions as with
 * ten. The values of facets are counted in lower case; null counts as `unknown`.
 */
import type { Sql } from 'postgres'

export const RESOLUTIONS = ['minute', 'hour', 'day'] as const
export type Resolution = (typeof RESOLUTIONS)[number]

/**
 * Each window's length in hours and the resolutions it can be had in: first its own, which it starts with a bucket of unless
 * coarser ones are asked for. Minutes are kept for three days.
 */
export const WINDOWS = {
  '1h': { hours: 1, resolutions: ['minute'] },
  '24h': { hours: 24, resolutions: ['hour', 'minute'] },
  '7d': { hours: 168, resolutions: ['hour', 'day'] },
  all: { hours: null, resolutions: ['day'] },
} as const satisfies Record<string, { hours: number | null; resolutions: readonly Resolution[] }>

export type StatisticsWindow = keyof typeof WINDOWS

export interface StatisticsQuery {
  readonly window: StatisticsWindow
  /** Also one entry for each such bucket; one of the window's resolutions. */
  readonly bucket: Resolution | null
  /** Those whose values are wanted. */
  readonly facets: readonly string[]
  readonly now: Date
}

export interface Totals {
  readonly totalPredictions: number
  /** Null where there are no predictions, as the other figures are. */
  readonly avgPredictedRevenue: number | null
  readonly minPredictedRevenue: number | null
  readonly maxPredictedRevenue: number | null
  readonly avgInferenceTimeUs: number | null
  readonly firstPrediction: Date | null
  readonly lastPrediction: Date | null
}

export interface Statistics extends Totals {
  /** Where the window starts: at the start of a bucket. Null for all. */
  readonly from: Date | null
  /** Of all values of the facet `platform`. */
  readonly platforms: Readonly<Record<string, number>>
  /** Of the facet `country`. */
  readonly topCountries: readonly { readonly country: string; readonly count: number }[]
  /** In the order of the question. */
  readonly facets: readonly { readonly facet: string; readonly values: FacetCounts }[]
  /** Buckets without a prediction are left out. Null if none were asked for. */
  readonly buckets: readonly (Totals & { readonly start: Date })[] | null
}

/** The ten values with the most predictions, most first. */
export type FacetCounts = readonly { readonly value: string; readonly count: number }[]

const MOST_VALUES = 10

const totals = (sql: Sql) => sql`
  coalesce(sum(predictions), 0)::double precision                   as "totalPredictions",
  (sum(revenue) / sum(predictions))::double precision               as "avgPredictedRevenue",
  min(min_revenue)                                                  as "minPredictedRevenue",
  max(max_revenue)                                                  as "maxPredictedRevenue",
  (sum(inference_time_us) / sum(predictions))::double precision     as "avgInferenceTimeUs",
  min(first)                                                        as "firstPrediction",
  max(last)                                                         as "lastPrediction"`

export async function queryStatistics(
  sql: Sql,
  { window, bucket, facets, now }: StatisticsQuery,
): Promise<Statistics> {
  const { hours, resolutions } = WINDOWS[window]
  // Finer buckets part the same window; facets by the minute would be many rows.
  const counted =
    bucket !== null && RESOLUTION_MS[bucket] > RESOLUTION_MS[resolutions[0]] ? bucket : resolutions[0]
  const from = hours === null ? null : startOf(counted, new Date(now.getTime() - hours * 3_600_000))
  const since = (resolution: Resolution) =>
    sql`resolution = ${resolution} ${from === null ? sql`` : sql`and start >= ${from}`}`
  const within = since(counted)
  const [row, platforms, values, buckets] = await Promise.all([
    sql<[Totals]>`select ${totals(sql)} from prediction_totals where ${within}`,
    sql<{ value: string; count: number }[]>`
      select value, sum(predictions)::double precision as count from prediction_counts
      where ${within} and dimension = 'platform' group by value order by count desc, value`,
    sql<{ facet: string; value: string; count: number }[]>`
      select facet, value, count::double precision as count
      from (
        select dimension as facet, value, sum(predictions) as count,
          row_number() over (partition by dimension order by sum(predictions) desc, value) as place
        from prediction_counts where ${within} and dimension = any (${['country', ...facets]})
        group by dimension, value
      ) as counted
      where place <= ${MOST_VALUES} order by place`,
    bucket === null
      ? null
      : sql<(Totals & { start: Date })[]>`
          select start, ${totals(sql)} from prediction_totals where ${since(bucket)} group by start order by start`,
  ])
  const countsOf = (wanted: string): FacetCounts =>
    values.flatMap(({ facet, value, count }) => (facet === wanted ? [{ value, count }] : []))
  return {
    from,
    ...row[0],
    platforms: Object.fromEntries(platforms.map(({ value, count }) => [value, count])),
    topCountries: countsOf('country').map(({ value, count }) => ({ country: value, count })),
    facets: facets.map((facet) => ({ facet, values: countsOf(facet) })),
    buckets,
  }
}

const RESOLUTION_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const satisfies Record<
  Resolution,
  number
>

function startOf(resolution: Resolution, time: Date): Date {
  return new Date(Math.floor(time.getTime() / RESOLUTION_MS[resolution]) * RESOLUTION_MS[resolution])
}
