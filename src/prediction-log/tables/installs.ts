/**
 * Predictions and outcomes → installs and cohorts (migration 0008 has the tables).
 *
 * An install is a user with their first prediction. Of several outcomes of an install one that was observed when the horizon was over comes before
 * others, that of a prediction before that of the user, and then the one observed last. Shipments only note the minutes that they brought; one process
 * at a time settles them. Sums of cohorts change by what the touched installs gave before and give after.
 */
import type { TransactionSql } from 'postgres'

/** Key of the advisory lock of whoever changes installs. */
const SETTLING_LOCK = `${0x64617937}, 4`
/** Another process settles the same. */
const LOCK_TIMEOUT = '3s'

/** Of one round, which is one transaction. */
const MINUTES_AT_ONCE = 10_000
const PREDICTIONS_AT_ONCE = 100_000
const OUTCOMES_AT_ONCE = 50_000
/** The running minute of a service with more predictions waits until it is over: it would be read again and again. */
const MOST_OF_RUNNING_MINUTE = 10_000

/** They live as long as their connection of the server: the names change with the columns. Empty at the start of every transaction. */
const CREATE_TABLES = `
  create temporary table if not exists day7_minutes_1 (minute timestamptz) on commit delete rows;
  create temporary table if not exists day7_fresh_1 (
    install_id uuid, prediction_id uuid, time timestamptz, predicted_revenue double precision,
    cohort_id uuid, day date, schema_id text, model_name text, model_version text, variant text, facets text[]
  ) on commit delete rows;
  create temporary table if not exists day7_reported_1 (
    outcome_id bigint, install_id uuid, of_prediction boolean, revenue double precision, observed_at timestamptz
  ) on commit delete rows;
  create temporary table if not exists day7_touched_1 (install_id uuid) on commit delete rows`

/** @returns how many minutes could be settled, and how many are taken: one at least, and no more predictions than PREDICTIONS_AT_ONCE */
const TAKE_MINUTES = `
  with waiting as (
    select distinct minute from unsettled_minutes
  ), counted as (
    select minute, coalesce(of_minute.predictions, of_hour.predictions / 60, 0) as predictions
    from waiting
    left join prediction_totals as of_minute on of_minute.resolution = 'minute' and of_minute.start = minute
    left join prediction_totals as of_hour on of_hour.resolution = 'hour' and of_hour.start = date_trunc('hour', minute, 'UTC')
    where minute < date_bin('1 minute', clock_timestamp(), 'epoch') or of_minute.predictions <= ${MOST_OF_RUNNING_MINUTE}
  ), chosen as (
    select minute from (
      select minute, sum(predictions) over (order by minute) - predictions as before from counted
    ) as summed where before < ${PREDICTIONS_AT_ONCE} order by minute limit ${MINUTES_AT_ONCE}
  ), taken as (
    delete from unsettled_minutes where minute in (select minute from chosen)
  ), kept as (
    insert into day7_minutes_1 select minute from chosen
  )
  select (select count(*) from counted)::integer as waiting, (select count(*) from chosen)::integer as taken`

/** Of each day, from when to when. */
const DAYS = `
  select min(minute) as first, max(minute) + interval '1 minute' as last
  from day7_minutes_1 group by date_trunc('day', minute, 'UTC') order by 1`

/** The first predictions of installs that are not known yet, or only by a later prediction; of one day, so that one partition is read. Earlier days come first. */
const FIND_FRESH = `
  insert into day7_fresh_1
  select distinct on (install_id) install_id, prediction_id, time, predicted_revenue,
    day7_hash(jsonb_build_array(day, schema_id, model_name, model_version, variant, values)::text),
    day, schema_id, model_name, model_version, variant, values
  from (
    select *, day7_install_id(user_id, prediction_id) as install_id, (time at time zone 'UTC')::date as day
    from predictions
    where time >= $1::timestamptz and time < $2::timestamptz and date_bin('1 minute', time, 'epoch') in (select minute from day7_minutes_1)
  ) as predicted
  join input_schemas using (schema_id)
  cross join lateral (
    select array(
      select day7_facet_value(inputs ->> facet) from unnest(facets) with ordinality as facet (facet, place) order by place
    ) as values
  ) as faceted
  where install_id not in (select install_id from day7_fresh_1) and not coalesce((
    select (installs.time, installs.prediction_id) <= (predicted.time, predicted.prediction_id)
    from installs where installs.install_id = predicted.install_id
  ), false)
  order by install_id, time, prediction_id`

const ADD_COHORTS = `
  insert into cohorts (cohort_id, day, schema_id, model_name, model_version, variant, facets)
  select distinct on (cohort_id) cohort_id, day, schema_id, model_name, model_version, variant, facets from day7_fresh_1
  on conflict (cohort_id) do nothing`

/** Outcomes that are new, those of fresh installs, and those whose prediction has come. One that is being changed is new again after that. */
const FIND_REPORTED = `
  with chosen as (
    (select outcome_id from outcomes where not settled order by outcome_id limit ${OUTCOMES_AT_ONCE})
    union select outcome_id from outcomes join day7_fresh_1 using (install_id)
    union select outcome_id from outcomes join day7_minutes_1 on date_bin('1 minute', day7_time(prediction_id), 'epoch') = minute
      where install_id is null
  ), locked as (
    select outcome_id, prediction_id, install_id from outcomes where outcome_id in (select outcome_id from chosen) for update skip locked
  ), found as (
    select outcome_id, coalesce(install_id, (
      select day7_install_id(user_id, prediction_id) from predictions
      where prediction_id = locked.prediction_id and time = day7_time(locked.prediction_id)
    )) as install_id
    from locked
  ), settled as (
    update outcomes set settled = true, install_id = found.install_id from found where outcomes.outcome_id = found.outcome_id
    returning outcomes.outcome_id, outcomes.install_id, prediction_id, revenue, observed_at
  )
  insert into day7_reported_1
  select outcome_id, install_id, prediction_id is not null, revenue, observed_at from settled`

const FIND_TOUCHED = `
  insert into day7_touched_1
  select install_id from day7_fresh_1
  union select install_id from day7_reported_1 where (select true from installs where installs.install_id = day7_reported_1.install_id)`

const ADD_INSTALLS = `
  insert into installs (install_id, prediction_id, time, cohort_id, predicted_revenue)
  select install_id, prediction_id, time, cohort_id, predicted_revenue from day7_fresh_1
  on conflict (install_id) do update set
    prediction_id = excluded.prediction_id, time = excluded.time, cohort_id = excluded.cohort_id,
    predicted_revenue = excluded.predicted_revenue,
    outcome_id = null, of_prediction = false, actual_revenue = null, observed_at = null, is_matured = false`

const ADD_OUTCOMES = `
  with best as (
    select distinct on (install_id) install_id, ranked.outcome_id, ranked.of_prediction, revenue, ranked.observed_at, ranked.is_matured
    from (
      select reported.*, coalesce(reported.observed_at >= installs.time + horizon_days * interval '24 hours', false) as is_matured
      from day7_touched_1
      join day7_reported_1 as reported using (install_id)
      join installs using (install_id) join cohorts using (cohort_id) join input_schemas using (schema_id)
    ) as ranked
    order by install_id, is_matured desc, of_prediction desc, observed_at desc, outcome_id desc
  )
  update installs set
    outcome_id = best.outcome_id, of_prediction = best.of_prediction, actual_revenue = revenue, observed_at = best.observed_at,
    is_matured = best.is_matured
  from best
  where installs.install_id = best.install_id and (
    installs.outcome_id is null or installs.outcome_id = best.outcome_id
    or (best.is_matured, best.of_prediction, best.observed_at, best.outcome_id)
       > (installs.is_matured, installs.of_prediction, installs.observed_at, installs.outcome_id)
  )`

const SUMS = {
  installs: 'count(*)',
  predicted: 'sum(predicted_revenue::numeric)',
  reported: 'count(actual_revenue)',
  actual: 'coalesce(sum(actual_revenue::numeric), 0)',
  matured: 'count(*) filter (where is_matured)',
  matured_predicted: 'coalesce(sum(predicted_revenue::numeric) filter (where is_matured), 0)',
  matured_actual: 'coalesce(sum(actual_revenue::numeric) filter (where is_matured), 0)',
}

/** Of the installs that are touched, to or from their cohorts. */
const sumUp = (sign: '+' | '-'): string => `
  update cohorts set ${Object.keys(SUMS).map((name) => `${name} = cohorts.${name} ${sign} touched.${name}`)}
  from (
    select cohort_id, ${Object.entries(SUMS).map(([name, sum]) => `${sum} as ${name}`)}
    from day7_touched_1 join installs using (install_id) group by cohort_id
  ) as touched
  where cohorts.cohort_id = touched.cohort_id`

/**
 * One round: what came since the last one, or a part of it.
 * @returns whether more is waiting
 * @throws PostgresError 55P03 if another process settles for longer than this one waits
 */
export async function settle(transaction: TransactionSql): Promise<boolean> {
  await transaction.unsafe(`set local lock_timeout = '${LOCK_TIMEOUT}'; ${CREATE_TABLES}`).simple()
  await transaction.unsafe(`select pg_advisory_xact_lock(${SETTLING_LOCK})`)
  const [minutes] = await transaction.unsafe<[{ waiting: number; taken: number }]>(TAKE_MINUTES)
  if (minutes.taken > 0) {
    for (const { first, last } of await transaction.unsafe<{ first: Date; last: Date }[]>(DAYS))
      await transaction.unsafe(FIND_FRESH, [first, last])
    // The planner knows nothing of a temporary table.
    await transaction.unsafe('analyze day7_fresh_1')
    await transaction.unsafe(ADD_COHORTS)
  }
  const { count: outcomes } = await transaction.unsafe(FIND_REPORTED)
  if (minutes.taken + outcomes === 0) return false
  await transaction.unsafe(FIND_TOUCHED)
  await transaction.unsafe('analyze day7_reported_1; analyze day7_touched_1').simple()
  await transaction.unsafe(sumUp('-'))
  await transaction.unsafe(ADD_INSTALLS)
  await transaction.unsafe(ADD_OUTCOMES)
  await transaction.unsafe(sumUp('+'))
  return minutes.waiting > minutes.taken || outcomes >= OUTCOMES_AT_ONCE
}

/** Nobody settles until this transaction is over. */
export const noSettlingNow = (transaction: TransactionSql) =>
  transaction.unsafe(`select pg_advisory_xact_lock(${SETTLING_LOCK})`)

/** After noSettlingNow: takes users' installs out of their cohorts; a cohort of nobody else is gone. */
export async function eraseInstalls(transaction: TransactionSql, userIds: readonly string[]): Promise<void> {
  await transaction.unsafe(CREATE_TABLES).simple()
  await transaction`insert into day7_touched_1 select day7_hash(user_id) from unnest(${userIds}::text[]) as user_id`
  await transaction.unsafe(sumUp('-'))
  await transaction`delete from installs where install_id in (select install_id from day7_touched_1)`
  await transaction`delete from cohorts where installs = 0`
}

/** Installs whose input schema has become known: they had neither facets nor a horizon. */
export async function settleAnew(transaction: TransactionSql, schemaId: string): Promise<void> {
  await noSettlingNow(transaction)
  await transaction`delete from installs using cohorts where installs.cohort_id = cohorts.cohort_id and schema_id = ${schemaId}`
  await transaction`delete from cohorts where schema_id = ${schemaId}`
  await transaction`
    insert into unsettled_minutes (minute)
    select distinct date_bin('1 minute', time, 'epoch') from predictions where schema_id = ${schemaId} order by 1`
}
