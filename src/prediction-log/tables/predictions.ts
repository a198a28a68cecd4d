/**
 * How shipped lines become rows: the statements of a shipment, in their order. Whatever is shipped again changes nothing, neither
 * rows nor statistics: both follow from what the insert really inserted.
 */
import { NINE_FIELDS } from '../../inputs/index.ts'
import { SHADOW } from '../record.ts'
import { LINE_COLUMNS } from '../spool/line.ts'

/**
 * Lives as long as its connection of the server, which a pooler may keep from an earlier version of the service: its name changes with its
 * columns. Empty at the start of every transaction.
 */
export const CREATE_INCOMING = `
  create temporary table if not exists day7_incoming_5 (${LINE_COLUMNS.map((column) => column.join(' ')).join(', ')})
  on commit delete rows`

/** Key of the advisory lock that shipments share and an erasure has alone. */
export const ERASURE_LOCK = `${0x64617937}, 3`

/** The rows of a segment, which are read twice, have room in memory. */
const WORK_MEM = '64MB'

/** An erasure that is under way is waited for, so that the statements after this see it. */
export const NO_ERASURE_NOW = `
  select set_config('work_mem', '${WORK_MEM}', true), pg_advisory_xact_lock_shared(${ERASURE_LOCK})`

/**
 * What was made for a user before they were erased; and what claims to be made more than a minute from now: it is of a host whose clock is ahead,
 * and may be older than the erasure.
 */
export const LEAVE_OUT_ERASED = `
  delete from day7_incoming_5
  where variant <> '${SHADOW}' and (select exists (select from erased_users)) and exists (
    select from erased_users
    where user_hash = sha256(convert_to(user_id, 'UTF8')) and (time <= erased_at or time > clock_timestamp() + interval '1 minute')
  )`

/** Made ahead as a rule; a spool may bring predictions of any day. */
export const MAKE_PARTITIONS = `
  select day7_make_partition((day at time zone 'UTC')::date)
  from (select distinct date_bin('1 day', time, 'epoch') as day from day7_incoming_5) as days`

/** A record with nothing that a table could refuse, of a given time. */
export const INSERT_PLAIN = `
  insert into predictions (prediction_id, time, user_id, schema_id, inputs, predicted_revenue, raw_score, inference_time_us,
    model_name, model_version, variant)
  values (gen_random_uuid(), $1, 'day7', '${NINE_FIELDS.id}', '${JSON.stringify(
    Object.fromEntries(NINE_FIELDS.fields.map(({ name, example }) => [name, example])),
  )}', 1, 0, 1, 'day7', '1', 'champion')`

const COLUMNS = LINE_COLUMNS.map(([name]) => name).filter((name) => name !== 'checksum')

const LATE_SHADOWS = `
  select prediction_id, time, model_version, predicted_revenue from day7_incoming_5 as shadow
  where variant = '${SHADOW}' and not exists (
    select from day7_incoming_5 as answered
    where answered.prediction_id = shadow.prediction_id and answered.variant <> '${SHADOW}'
  )`

/** Shadows whose prediction came with an earlier segment. The bounds are constants, so that only their days' partitions are planned. */
export const ADD_LATE_SHADOWS = `
  do $do$
  declare
    first timestamptz;
    last timestamptz;
  begin
    select min(time), max(time) into first, last from (${LATE_SHADOWS}) as late;
    if first is null then
      return;
    end if;
    execute format($update$
      update predictions set shadow_version = late.model_version, shadow_revenue = nullif(late.predicted_revenue, 'NaN')
      from (${LATE_SHADOWS}) as late
      where predictions.prediction_id = late.prediction_id and predictions.time = late.time
        and predictions.time between %L and %L and shadow_version is null
    $update$, first, last);
  end
  $do$`

const RESOLUTIONS = `(values ('minute'), ('hour'), ('day')) as resolutions (resolution)`

/** Buckets are touched in the order of their keys, so that two shipments never wait for each other in a circle. */
export const COUNT_INCOMING = `
  with inserted as (
    insert into predictions (${COLUMNS.join(', ')}, shadow_version, shadow_revenue)
    select ${COLUMNS.map((name) => `answered.${name}`).join(', ')}, shadow.model_version, nullif(shadow.predicted_revenue, 'NaN')
    from day7_incoming_5 as answered
    left join (
      select distinct on (prediction_id) prediction_id, model_version, predicted_revenue
      from day7_incoming_5 where variant = '${SHADOW}'
    ) as shadow on shadow.prediction_id = answered.prediction_id
    where variant <> '${SHADOW}'
    -- Two shipments that have the same predictions never wait for each other in a circle.
    order by answered.prediction_id
    on conflict (prediction_id, time) do nothing
    returning time, predicted_revenue, inference_time_us, schema_id, inputs
  ), minutes as materialized (
    select
      date_bin('1 minute', time, 'epoch') as start,
      count(*) as predictions,
      sum(predicted_revenue::numeric) as revenue,
      min(predicted_revenue) as min_revenue,
      max(predicted_revenue) as max_revenue,
      sum(inference_time_us::numeric) as inference_time_us,
      min(time) as first,
      max(time) as last
    from inserted group by 1
  ), unsettled as (
    insert into unsettled_minutes (minute) select start from minutes
  ), totals as (
    insert into prediction_totals as total
    select resolution, date_trunc(resolution, start, 'UTC'), sum(predictions), sum(revenue), min(min_revenue), max(max_revenue), sum(inference_time_us),
      min(first), max(last)
    from minutes, ${RESOLUTIONS} group by 1, 2 order by 1, 2
    on conflict (resolution, start) do update set
      predictions = total.predictions + excluded.predictions,
      revenue = total.revenue + excluded.revenue,
      min_revenue = least(total.min_revenue, excluded.min_revenue),
      max_revenue = greatest(total.max_revenue, excluded.max_revenue),
      inference_time_us = total.inference_time_us + excluded.inference_time_us,
      first = least(total.first, excluded.first),
      last = greatest(total.last, excluded.last)
  ), faceted as materialized (
    select date_bin('1 minute', time, 'epoch') as start, facet, inputs ->> facet as value, count(*) as predictions
    from inserted join input_schemas using (schema_id), unnest(facets) as facet
    group by 1, 2, 3
  )
  insert into prediction_counts as counted
  select resolution, date_trunc(resolution, start, 'UTC'), facet, day7_facet_value(value) collate "C", sum(predictions)
  from faceted, ${RESOLUTIONS} group by 1, 2, 3, 4 order by 1, 2, 3, 4
  on conflict (resolution, start, dimension, value) do update set
    predictions = counted.predictions + excluded.predictions`
