/**
 * How good predictions were: those whose revenue is known against it. An install counts once, by its first prediction, and is matured when its
 * outcome was observed when the horizon of its input schema was over, or later. The figures are those of the training report (`evaluation/metrics.py`).
 */
import type { PendingQuery, Row, Sql } from 'postgres'

type Fragment = PendingQuery<Row[]>

/** What predictions can always be grouped by. A facet of one of these names is hidden by it. */
export const ACCURACY_GROUPS = ['model', 'variant'] as const

export interface AccuracyQuery {
  readonly days: number
  /** One of ACCURACY_GROUPS, or a facet: then those predictions are grouped whose schema has it. */
  readonly by: string | null
  readonly now: Date
}

export interface AccuracyFigures {
  readonly matured: number
  /** Null where nothing has matured. */
  readonly mae: number | null
  readonly rmse: number | null
  /** Sum of predictions over sum of revenue; null where there was no revenue. */
  readonly biasRatio: number | null
  /** Null where all revenue is equal. */
  readonly normalisedGini: number | null
}

export interface Accuracy {
  readonly from: Date
  readonly overall: AccuracyFigures
  /** Those with the most matured predictions first. Null if no groups were asked for. */
  readonly groups: readonly (AccuracyFigures & { readonly value: string })[] | null
}

/** What is larger counts as this: PostgreSQL squares what it averages, and the squares of errors are averaged. */
export const LARGEST = 1e70

/** A model is named as MLflow does, `name/version`; texts are in lower case. Null: of no group. */
function groupOf(sql: Sql, by: string) {
  if (by === 'model') return sql`model_name || '/' || model_version`
  if (by === 'variant') return sql`variant`
  return sql`cohorts.facets[array_position(input_schemas.facets, ${by})]`
}

export async function queryAccuracy(sql: Sql, { days, by, now }: AccuracyQuery): Promise<Accuracy> {
  const from = new Date(now.getTime() - days * 86_400_000)
  const rows = await figures(sql, from, by)
  const overall = rows.find(({ value }) => value === null)
  return {
    from,
    overall: overall?.figures ?? NOTHING,
    groups:
      by === null
        ? null
        : rows.flatMap(({ value, figures }) => (value === null ? [] : [{ value, ...figures }])),
  }
}

const NOTHING: AccuracyFigures = { matured: 0, mae: null, rmse: null, biasRatio: null, normalisedGini: null }

/** So many ranks there are between a revenue and one that is e times as much: what is within half a percent shares its rank. */
const RANKS = 200

/** The rank of a revenue among others, which grows with it: of nothing, of what is less, of what is more. */
const rankOf = (sql: Sql, revenue: Fragment) => sql`
  case
    when ${revenue} > 0 then floor(ln(${revenue}) * ${RANKS}::double precision)
    when ${revenue} < 0 then -1e7 - floor(ln(-${revenue}) * ${RANKS}::double precision)
    else -1e6
  end`

/**
 * Overall, where the value is null, and by group. What has matured is read once, by several processes of the server, and counted in cells of a rank
 * among the predictions and one among the revenues. Equal predictions share their middle rank, as equal revenues do; the Gini of an order is over that
 * of the perfect one.
 */
async function figures(sql: Sql, from: Date, by: string | null) {
  const predicted = sql`least(predicted_revenue, ${LARGEST}::double precision)`
  const actual = sql`least(actual_revenue, ${LARGEST}::double precision)`
  /** Not over that of the perfect order yet. */
  const giniOf = (rank: Fragment) => sql`
    select overall, value, sum(actual * (total - 2 * before - rows)) as gini from (
      select overall, value, sum(rows) as rows, sum(actual) as actual,
        sum(sum(rows)) over (partition by overall, value) as total,
        sum(sum(rows)) over (partition by overall, value order by ${rank} desc) - sum(rows) as before
      from grouped group by overall, value, ${rank}
    ) as ranked group by overall, value`
  const rows = await sql<(AccuracyFigures & { value: string | null })[]>`
    with cells as materialized (
      select value, predicted_rank, actual_rank, count(*)::double precision as rows, sum(predicted) as predicted, sum(actual) as actual,
        sum(abs(predicted - actual)) as absolute, sum((predicted - actual) ^ 2) as squared, min(actual) as least, max(actual) as most
      from (
        select
          value, ${predicted} as predicted, ${actual} as actual,
          ${rankOf(sql, predicted)} as predicted_rank, ${rankOf(sql, actual)} as actual_rank
        from installs join (
          select cohort_id, ${by === null ? sql`null` : groupOf(sql, by)} as value from cohorts join input_schemas using (schema_id)
        ) as cohort using (cohort_id)
        where time >= ${from} and is_matured
      ) as matured group by 1, 2, 3
    ), grouped as (
      select true as overall, '' as value, predicted_rank, actual_rank, rows, predicted, actual, absolute, squared, least, most from cells
      ${by === null ? sql`` : sql`union all select false, * from cells where value is not null`}
    ), predicted_order as (${giniOf(sql`predicted_rank`)}), perfect_order as (${giniOf(sql`actual_rank`)})
    select
      case when not overall then value end as value,
      sum(rows) as "matured",
      sum(absolute) / sum(rows) as "mae",
      sqrt(sum(squared) / sum(rows)) as "rmse",
      sum(predicted) / nullif(sum(actual), 0) as "biasRatio",
      case when min(least) < max(most) then min(predicted_order.gini) / min(perfect_order.gini) end as "normalisedGini"
    from grouped join predicted_order using (overall, value) join perfect_order using (overall, value)
    group by overall, value order by matured desc, value`
  return rows.map(({ value, ...figures }) => ({ value, figures }))
}
