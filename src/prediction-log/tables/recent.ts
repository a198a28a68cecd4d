/**
 * The latest predictions, some ten thousand of them → how their revenue is distributed, and which countries, sources and platforms they
 * are of. The minutes' totals say where they begin, so that the question costs the same with ten million predictions as with ten.
 */
import type { Sql } from 'postgres'

export const SEGMENTS = ['country', 'source', 'platform'] as const
export type SegmentField = (typeof SEGMENTS)[number]

export interface RecentQuery {
  readonly now: Date
  /** About so many; never more than twice as many. */
  readonly atMost: number
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
  /** Those with the most predictions first. Values in lower case; null counts as `unknown`. */
  readonly segments: Readonly<Record<SegmentField, readonly Segment[]>>
}

export interface Segment {
  readonly value: string
  readonly predictions: number
  readonly meanRevenue: number
}

const LOOKS_BACK_MS = 24 * 3_600_000
const BINS_PER_DECADE = 4
/** A model can be made to answer 1e300. */
const LAST_BIN = 9 * BINS_PER_DECADE

export async function queryRecent(sql: Sql, { now, atMost }: RecentQuery): Promise<Recent> {
  const from = await startOf(sql, now, atMost)
  if (!from) return NONE
  const rows = await sql<Row[]>`
    with recent as materialized (
      select time, predicted_revenue as revenue, ${nameOf(sql, 'country')} as country, ${nameOf(sql, 'source')} as source,
        ${nameOf(sql, 'platform')} as platform,
        case when predicted_revenue > 0
          then least(floor(log(predicted_revenue::numeric) * ${BINS_PER_DECADE}::numeric)::integer, ${LAST_BIN}::integer) end as bin
      from predictions where time >= ${from} and time <= ${now}
      limit ${2 * atMost}
    )
    select
      case grouping(country, source, platform, bin)
        when 7 then 'country' when 11 then 'source' when 13 then 'platform' when 14 then 'bin' else 'all'
      end                                    as kind,
      coalesce(country, source, platform)    as value,
      bin,
      count(*)::double precision             as predictions,
      avg(revenue::numeric)::double precision                           as "meanRevenue",
      min(time)                              as first
    from recent
    group by grouping sets ((country), (source), (platform), (bin), ())
    order by predictions desc, value`
  const all = rows.find(({ kind }) => kind === 'all')!
  const bins = rows.filter(({ kind }) => kind === 'bin')
  return {
    from: all.first,
    predictions: all.predictions,
    meanRevenue: all.meanRevenue,
    zeros: bins.find(({ bin }) => bin === null)?.predictions ?? 0,
    bins: withoutGaps(bins),
    segments: Object.fromEntries(
      SEGMENTS.map((field) => [
        field,
        rows
          .filter(({ kind }) => kind === field)
          .map(({ value, predictions, meanRevenue }) => ({
            value: value!,
            predictions,
            meanRevenue: meanRevenue!,
          })),
      ]),
    ) as Record<SegmentField, Segment[]>,
  }
}

interface Row {
  readonly kind: SegmentField | 'bin' | 'all'
  readonly value: string | null
  readonly bin: number | null
  readonly predictions: number
  readonly meanRevenue: number | null
  readonly first: Date | null
}

const NONE: Recent = {
  from: null,
  predictions: 0,
  meanRevenue: null,
  zeros: 0,
  bins: [],
  segments: { country: [], source: [], platform: [] },
}

const nameOf = (sql: Sql, field: SegmentField) => sql`lower(coalesce(${sql(field)}, 'unknown') collate "C")`

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
