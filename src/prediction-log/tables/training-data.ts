/**
 * Installs whose revenue is known → training data. An install that nobody reported revenue of is a zero, but only where its day's outcomes were
 * reported as those of other days are: else it is not known.
 */
import type { Sql } from 'postgres'

export interface TrainingPeriod {
  /** Of the first prediction; from the first one up to, and without, the second. */
  readonly since: Date
  readonly until: Date
  readonly schemaId: string
}

export interface TrainingDay {
  /** UTC, of the first prediction; as 2026-01-31. */
  readonly day: string
  readonly installs: number
  /** The horizon is not over, by the database's clock. */
  readonly pending: number
  /** With revenue that was observed when the horizon was over. */
  readonly reported: number
  /** With revenue that was observed before, and none since. */
  readonly early: number
  /** The horizon is over, and no revenue was reported. */
  readonly silent: number
  /** Of those that are reported: predicted, and what came. */
  readonly predicted: number
  readonly actual: number
}

export interface TrainingDays {
  /** inputs.json; null: no prediction came with it. */
  readonly document: unknown
  /** Of the database. */
  readonly clock: Date
  readonly days: readonly TrainingDay[]
  /** Installs of the period whose models have other inputs. */
  readonly otherSchemas: readonly { readonly schemaId: string; readonly installs: number }[]
}

export interface TrainingPage {
  readonly period: TrainingPeriod
  /** Days on which an install without an outcome is a zero. */
  readonly completeDays: readonly string[]
  /** The last row of the page before. */
  readonly after: { readonly time: Date; readonly installId: string } | null
}

export interface TrainingRow {
  readonly installId: string
  readonly userId: string | null
  readonly predictionId: string
  readonly time: Date
  /** By the names of the schema's fields. */
  readonly inputs: Readonly<Record<string, string | number | boolean | null>>
  readonly predictedRevenue: number
  readonly modelName: string
  readonly modelVersion: string
  readonly variant: string
  /** Null: none was reported, which is a zero. */
  readonly actualRevenue: number | null
  readonly observedAt: Date | null
}

/** A page of so many rows is full; one that has fewer is the last. */
export const TRAINING_PAGE_ROWS = 2_000

/** Of the middle day's share of installs with an outcome, a day must have this much. */
const COMPLETE_SHARE = 0.5

/** @returns the days whose outcomes were reported as those of the period's middle day are */
export function completeDays(days: readonly TrainingDay[]): string[] {
  const shares = days
    .map(({ day, installs, pending, reported }) => ({ day, share: reported / (installs - pending) }))
    .filter(({ share }) => Number.isFinite(share))
    .toSorted((a, b) => a.share - b.share)
  const middle = shares[Math.floor(shares.length / 2)]?.share ?? 0
  if (middle === 0) return []
  return shares
    .filter(({ share }) => share >= middle * COMPLETE_SHARE)
    .map(({ day }) => day)
    .toSorted()
}

export async function queryTrainingDays(
  sql: Sql,
  { since, until, schemaId }: TrainingPeriod,
): Promise<TrainingDays> {
  const [{ clock, document }] = await sql<[{ clock: Date; document: unknown }]>`
    select clock_timestamp() as clock, (select document from input_schemas where schema_id = ${schemaId}) as document`
  const days = await sql<TrainingDay[]>`
    select
      day::text,
      count(*)::double precision as "installs",
      count(*) filter (where is_pending)::double precision as "pending",
      count(*) filter (where is_matured and not is_pending)::double precision as "reported",
      count(*) filter (where not is_matured and outcome_id is not null and not is_pending)::double precision as "early",
      count(*) filter (where outcome_id is null and not is_pending)::double precision as "silent",
      coalesce(sum(predicted_revenue) filter (where is_matured and not is_pending), 0) as "predicted",
      coalesce(sum(actual_revenue) filter (where is_matured and not is_pending), 0) as "actual"
    from (
      select day, predicted_revenue, actual_revenue, is_matured, outcome_id,
        (time + horizon_days * interval '24 hours' <= ${clock}) is not true as is_pending
      from installs join cohorts using (cohort_id) join input_schemas using (schema_id)
      where time >= ${since} and time < ${until} and schema_id = ${schemaId}
    ) as of_period
    group by day order by day`
  const otherSchemas = await sql<{ schemaId: string; installs: number }[]>`
    select schema_id as "schemaId", sum(installs)::double precision as "installs" from cohorts
    where day >= (${since}::timestamptz at time zone 'UTC')::date and day < (${until}::timestamptz at time zone 'UTC')::date
      and schema_id <> ${schemaId} and installs > 0
    group by 1 order by 2 desc, 1`
  return { document, clock, days: [...days], otherSchemas: [...otherSchemas] }
}

/** By time. Each page is a question of its own: nothing is held open while a reader is slow. */
export async function queryTrainingRows(
  sql: Sql,
  { period: { since, until, schemaId }, completeDays, after }: TrainingPage,
): Promise<TrainingRow[]> {
  const isAfter = after
    ? sql`(installs.time, install_id) > (${after.time}, ${after.installId}::uuid)`
    : sql`installs.time >= ${since}`
  return sql<TrainingRow[]>`
    select install_id as "installId", user_id as "userId", prediction_id as "predictionId", page.time, inputs,
      page.predicted_revenue as "predictedRevenue", page.model_name as "modelName", page.model_version as "modelVersion",
      page.variant, actual_revenue as "actualRevenue", observed_at as "observedAt"
    from (
      select install_id, prediction_id, installs.time, predicted_revenue, model_name, model_version, variant, actual_revenue, observed_at
      from installs join cohorts using (cohort_id) join input_schemas using (schema_id)
      where ${isAfter} and installs.time < ${until} and schema_id = ${schemaId}
        and installs.time + horizon_days * interval '24 hours' <= clock_timestamp()
        and (is_matured or outcome_id is null and day = any (${completeDays}::text[]::date[]))
      order by installs.time, install_id limit ${TRAINING_PAGE_ROWS}
    ) as page
    join predictions using (prediction_id, time)
    order by page.time, install_id`
}
