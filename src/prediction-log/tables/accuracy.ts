/**
 * How good predictions were: those whose revenue is known against it. A prediction is matured when an outcome of it, or else of
 * its user, was observed when the horizon of its input schema was over, or later. The figures are those of the training report (`evaluation/metrics.py`).
 */
import type { Sql } from 'postgres'

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

/** When a prediction is matured, in a query of predictions and input_schemas. */
export const maturesAt = (sql: Sql) => sql`time + horizon_days * interval '24 hours'`

/** What is larger counts as this: PostgreSQL squares what it averages, and the squares of errors are averaged. */
export const LARGEST = 1e70

/** A model is named as MLflow does, `name/version`; texts are in lower case. Null: of no group. */
function groupOf(sql: Sql, by: string) {
  if (by === 'model') return sql`model_name || '/' || model_version`
  if (by === 'variant') return sql`variant`
  return sql`case when ${by} = any (facets) then day7_facet_value(inputs ->> ${by}) end`
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

/**
 * Overall, where the value is null, and by group. Equal predictions share their middle rank, as equal revenues do; the Gini of an
 * order is over that of the perfect one.
 */
async function figures(sql: Sql, from: Date, by: string | null) {
  const rows = await sql<(AccuracyFigures & { value: string | null })[]>`
    with matured as materialized (
      select
        ${by === null ? sql`null` : groupOf(sql, by)} as value,
        least(predicted_revenue, ${LARGEST}::double precision) as predicted,
        least(coalesce(own.revenue, of_user.revenue), ${LARGEST}::double precision) as actual
      from predictions
      join input_schemas using (schema_id)
      left join outcomes as own
        on own.prediction_id = predictions.prediction_id and own.observed_at >= ${maturesAt(sql)}
      left join outcomes as of_user
        on of_user.user_id = predictions.user_id and of_user.observed_at >= ${maturesAt(sql)}
      where time >= ${from} and (own.revenue is not null or of_user.revenue is not null)
    ), grouped as (
      select null as value, predicted, actual from matured
      ${by === null ? sql`` : sql`union all select value, predicted, actual from matured where value is not null`}
    ), ranked as (
      select
        *,
        rank() over (partition by value order by predicted desc)
          + (count(*) over (partition by value, predicted) - 1) / 2.0::double precision as rank,
        rank() over (partition by value order by actual desc)
          + (count(*) over (partition by value, actual) - 1) / 2.0::double precision as perfect_rank,
        count(*) over (partition by value) as rows
      from grouped
    )
    select
      value,
      count(*)::double precision as "matured",
      avg(abs(predicted - actual)) as "mae",
      sqrt(avg((predicted - actual) ^ 2)) as "rmse",
      sum(predicted) / nullif(sum(actual), 0) as "biasRatio",
      case when min(actual) < max(actual) then
        sum(actual * (rows + 1 - 2 * rank)) / sum(actual * (rows + 1 - 2 * perfect_rank))
      end as "normalisedGini"
    from ranked group by value order by count(*) desc, value`
  return rows.map(({ value, ...figures }) => ({ value, figures }))
}
