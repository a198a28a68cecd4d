/**
 * Cohorts: the installs of a day, a week or a period that share facets; what was predicted of them, what came, and what was spent on them. Answered
 * from sums that are kept with the installs (installs.ts).
 */
import type { PendingQuery, Row, Sql } from 'postgres'

type Fragment = PendingQuery<Row[]>

export const BUCKETS = ['day', 'week', 'all'] as const
export type CohortBucket = (typeof BUCKETS)[number]

export interface CohortQuery {
  /** UTC days of the first prediction, both included; as 2026-01-31. */
  readonly from: string
  readonly to: string
  /** Weeks begin on Monday. */
  readonly bucket: CohortBucket
  /** Names of facets. */
  readonly by: readonly string[]
  /** Values by names of facets, in any case. */
  readonly filter: Readonly<Record<string, string>>
}

export interface Cohort {
  /** The first day of the bucket; of `all` the query's. */
  readonly start: string
  /** In the order of `by`. */
  readonly values: readonly string[]
  readonly installs: number
  readonly predicted: number
  /** With an outcome of any time, and their revenue so far. */
  readonly reported: number
  readonly actual: number
  /** With an outcome that was observed when the horizon was over; what was predicted of them, and their revenue. */
  readonly matured: number
  readonly maturedPredicted: number
  readonly maturedActual: number
  /** Null: none was reported. */
  readonly spend: number | null
}

export interface Cohorts {
  readonly cohorts: readonly Cohort[]
  /** Of the days and the filter, but without a value for one of `by` or of the filter. */
  readonly unattributedSpend: number
}

/** Latest first, and of a bucket those with the most predicted revenue. */
export async function queryCohorts(sql: Sql, query: CohortQuery): Promise<Cohorts> {
  const { from, to, bucket, by, filter } = query
  const names = [...by]
  const wanted = Object.keys(filter)
  const start = (day: Fragment): Fragment =>
    bucket === 'day' ? day : bucket === 'week' ? sql`date_trunc('week', ${day})::date` : sql`${from}::date`
  const isWanted = (valueOf: (name: string) => Fragment): Fragment =>
    wanted.reduce<Fragment>(
      (all, name) => sql`${all} and ${valueOf(name)} = day7_facet_value(${filter[name]!})`,
      sql`true`,
    )
  const ofCohort = (name: string): Fragment =>
    sql`coalesce(cohorts.facets[array_position(input_schemas.facets, ${name})], 'unknown')`
  const ofSpend = (name: string): Fragment => sql`(spend.facets ->> ${name})`
  const arrayOf = (valueOf: (name: string) => Fragment): Fragment =>
    names.length === 0
      ? sql`'{}'::text[]`
      : sql`array[${names.map(valueOf).reduce((all, value) => sql`${all}, ${value}`)}]::text[]`
  const inPeriod = sql`day between ${from}::date and ${to}::date`
  const cohorts = await sql<Cohort[]>`
    with made as (
      select ${start(sql`day`)} as start, ${arrayOf(ofCohort)} as values,
        sum(installs) as installs, sum(predicted) as predicted, sum(reported) as reported, sum(actual) as actual, sum(matured) as matured,
        sum(matured_predicted) as matured_predicted, sum(matured_actual) as matured_actual
      from cohorts join input_schemas using (schema_id)
      where ${inPeriod} and installs > 0 and ${isWanted(ofCohort)} group by 1, 2
    ), spent as (
      select ${start(sql`day`)} as start, ${arrayOf(ofSpend)} as values, sum(amount) as amount
      from spend where ${inPeriod} and facets ?& ${[...names, ...wanted]}::text[] and ${isWanted(ofSpend)} group by 1, 2
    )
    select start::text, values,
      coalesce(installs, 0)::double precision as "installs", coalesce(predicted, 0)::double precision as "predicted",
      coalesce(reported, 0)::double precision as "reported", coalesce(actual, 0)::double precision as "actual",
      coalesce(matured, 0)::double precision as "matured",
      coalesce(matured_predicted, 0)::double precision as "maturedPredicted",
      coalesce(matured_actual, 0)::double precision as "maturedActual",
      amount::double precision as "spend"
    from made full join spent using (start, values)
    order by start desc, "predicted" desc, values`
  const [{ unattributed }] = await sql<[{ unattributed: number }]>`
    select coalesce(sum(amount), 0)::double precision as unattributed from spend
    where ${inPeriod} and not facets ?& ${[...names, ...wanted]}::text[]`
  return { cohorts: [...cohorts], unattributedSpend: unattributed }
}
