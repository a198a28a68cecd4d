/**
 * What the log says about all predictions in it. Platforms are counted in one case; a text that was null counts as `unknown`.
 */
import type { Sql } from 'postgres'

export interface Statistics {
  readonly totalPredictions: number
  /** Null while the log is empty, as the other figures are. */
  readonly avgPredictedRevenue: number | null
  readonly minPredictedRevenue: number | null
  readonly maxPredictedRevenue: number | null
  readonly avgInferenceTimeUs: number | null
  readonly firstPrediction: Date | null
  readonly lastPrediction: Date | null
  readonly platforms: Readonly<Record<string, number>>
  /** The ten with the most predictions, most first. */
  readonly topCountries: readonly { readonly country: string; readonly count: number }[]
}

export async function queryStatistics(sql: Sql): Promise<Statistics> {
  const [row] = await sql<[Statistics]>`
    select
      count(*)::double precision as "totalPredictions",
      avg(predicted_revenue)     as "avgPredictedRevenue",
      min(predicted_revenue)     as "minPredictedRevenue",
      max(predicted_revenue)     as "maxPredictedRevenue",
      avg(inference_time_us)     as "avgInferenceTimeUs",
      min(time)                  as "firstPrediction",
      max(time)                  as "lastPrediction",
      (
        select coalesce(json_object_agg(platform, count), '{}')
        from (
          select coalesce(lower(platform), 'unknown') as platform, count(*) from predictions group by 1 order by 2 desc, 1
        ) as by_platform
      ) as "platforms",
      (
        select coalesce(json_agg(json_build_object('country', country, 'count', count)), '[]')
        from (
          select coalesce(country, 'unknown') as country, count(*)
          from predictions group by 1 order by 2 desc, 1 limit 10
        ) as by_country
      ) as "topCountries"
    from predictions`
  return row
}
