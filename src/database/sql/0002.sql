-- Predictions by day, their statistics, outcomes, model events, erasures.

-- The time in a UUIDv7: its first 48 bits are milliseconds.
create function day7_time(id uuid) returns timestamptz
language sql immutable strict parallel safe as $$
  select to_timestamp(('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint / 1000::double precision)
$$;

alter table predictions rename to predictions_0001;
alter table predictions_0001 drop constraint predictions_pkey;
drop index predictions_time;

-- A prediction's time is the one in its id, so (prediction_id, time) is as unique as the id alone; a partitioned table cannot
-- have a key without its partition column.
create table predictions (
  prediction_id     uuid not null,
  time              timestamptz not null,
  user_id           text,
  country           text,
  country_region    text,
  source            text,
  platform          text,
  device_family     text,
  os_version        text,
  event_1           double precision,
  event_2           double precision,
  event_3           double precision,
  predicted_revenue double precision not null,
  raw_score         double precision not null,
  inference_time_us double precision not null,
  model_name        text not null,
  model_version     text not null,
  variant           text not null,
  shadow_version    text,
  shadow_revenue    double precision,
  primary key (prediction_id, time)
) partition by range (time);

-- Block range indexes cost an insert almost nothing: a B-tree on user_id would take a third of it.
create index predictions_time on predictions using brin (time) with (autosummarize = on);
create index predictions_user on predictions using brin (user_id text_bloom_ops) with (autosummarize = on);

-- Attaching, unlike "create table … partition of", lets others read and insert meanwhile.
create function day7_make_partition(day date) returns void
language plpgsql as $$
declare
  partition text := 'predictions_' || to_char(day, 'YYYY_MM_DD');
begin
  if to_regclass(partition) is not null then
    return;
  end if;
  perform pg_advisory_xact_lock(1684109111, 2);
  -- Asked of the catalogue: to_regclass would not see what another process has just made.
  if exists (select from pg_inherits join pg_class on pg_class.oid = inhrelid
             where inhparent = 'predictions'::regclass and relname = partition) then
    return;
  end if;
  execute format('create table %I (like predictions)', partition);
  execute format(
    'alter table predictions attach partition %I for values from (%L) to (%L)',
    partition, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC'
  );
end
$$;

-- What /stats answers from. Always equal to what counting the predictions would give. Each resolution is a table of its own: minutes
-- come and go, and the planner knows how few hours are of the last week.
create table prediction_totals (
  resolution        text not null,
  start             timestamptz not null,
  predictions       bigint not null,
  revenue           numeric not null,
  min_revenue       double precision not null,
  max_revenue       double precision not null,
  inference_time_us numeric not null,
  first             timestamptz not null,
  last              timestamptz not null,
  primary key (resolution, start)
) partition by list (resolution);

create table prediction_totals_minute partition of prediction_totals for values in ('minute') with (fillfactor = 50);
create table prediction_totals_hour partition of prediction_totals for values in ('hour') with (fillfactor = 50);
create table prediction_totals_day partition of prediction_totals for values in ('day') with (fillfactor = 50);

create table prediction_counts (
  resolution  text not null,
  start       timestamptz not null,
  dimension   text not null check (dimension in ('platform', 'country')),
  value       text not null,
  predictions bigint not null,
  primary key (resolution, start, dimension, value)
) partition by list (resolution);

create table prediction_counts_minute partition of prediction_counts for values in ('minute') with (fillfactor = 50);
create table prediction_counts_hour partition of prediction_counts for values in ('hour') with (fillfactor = 50);
create table prediction_counts_day partition of prediction_counts for values in ('day') with (fillfactor = 50);

-- The revenue that really came, for one prediction or for all of a user's.
create table outcomes (
  prediction_id uuid unique,
  user_id       text unique,
  revenue       double precision not null check (revenue >= 0),
  observed_at   timestamptz not null,
  received_at   timestamptz not null default now(),
  check (num_nonnulls(prediction_id, user_id) = 1)
);

create table model_events (
  event_id      uuid primary key,
  time          timestamptz not null,
  event         text not null,
  variant       text not null,
  model_name    text not null,
  model_version text not null,
  host          text not null,
  detail        text
);

create index model_events_time on model_events (time);

-- Who was erased, as a hash: predictions that still wait in some spool are left out when they arrive.
create table erased_users (
  user_hash bytea primary key,
  erased_at timestamptz not null
);

-- One bucket of the coarser resolution, summed up from those of the finer one.
create function day7_roll_up(coarse text, fine text, bucket timestamptz) returns void
language plpgsql as $$
declare
  bucket_end timestamptz := bucket + case coarse when 'hour' then interval '1 hour' else interval '24 hours' end;
begin
  insert into prediction_totals
    select coarse, bucket, sum(predictions), sum(revenue), min(min_revenue), max(max_revenue), sum(inference_time_us), min(first), max(last)
    from prediction_totals where resolution = fine and start >= bucket and start < bucket_end
    having count(*) > 0;
  insert into prediction_counts
    select coarse, bucket, dimension, value, sum(predictions)
    from prediction_counts where resolution = fine and start >= bucket and start < bucket_end
    group by dimension, value;
end
$$;

-- Counts the predictions of an hour afresh, and sums up their day.
create function day7_recount(hour timestamptz) returns void
language plpgsql as $$
declare
  hour_end timestamptz := hour + interval '1 hour';
  day timestamptz := date_trunc('day', hour, 'UTC');
begin
  delete from prediction_totals
    where resolution = 'minute' and start >= hour and start < hour_end or resolution = 'hour' and start = hour
       or resolution = 'day' and start = day;
  delete from prediction_counts
    where resolution = 'minute' and start >= hour and start < hour_end or resolution = 'hour' and start = hour
       or resolution = 'day' and start = day;
  insert into prediction_totals
    select 'minute', date_trunc('minute', time, 'UTC'), count(*), sum(predicted_revenue::numeric), min(predicted_revenue),
      max(predicted_revenue), sum(inference_time_us::numeric), min(time), max(time)
    from predictions where time >= hour and time < hour_end
    group by 2;
  insert into prediction_counts
    select 'minute', date_trunc('minute', time, 'UTC'), dimension, lower(coalesce(value, 'unknown') collate "C"), count(*)
    from predictions, lateral (values ('platform', platform), ('country', country)) as by (dimension, value)
    where time >= hour and time < hour_end
    group by 2, 3, 4;
  perform day7_roll_up('hour', 'minute', hour);
  perform day7_roll_up('day', 'hour', day);
end
$$;

-- Partitions from today on are made ahead; what is older than the retention goes, with its statistics.
create function day7_maintain(today date, retention_days integer) returns void
language plpgsql as $$
declare
  cutoff date := today - retention_days;
  partition text;
  minutes_kept constant interval := interval '72 hours';
begin
  for ahead in 0..7 loop
    perform day7_make_partition(today + ahead);
  end loop;
  for partition in
    select relname from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = 'predictions'::regclass and relname < 'predictions_' || to_char(cutoff, 'YYYY_MM_DD')
    order by relname
  loop
    execute format('drop table %I', partition);
  end loop;
  delete from prediction_totals where start < cutoff::timestamp at time zone 'UTC';
  delete from prediction_counts where start < cutoff::timestamp at time zone 'UTC';
  delete from prediction_totals where resolution = 'minute' and start < today::timestamp at time zone 'UTC' - minutes_kept;
  delete from prediction_counts where resolution = 'minute' and start < today::timestamp at time zone 'UTC' - minutes_kept;
  delete from outcomes where received_at < cutoff::timestamp at time zone 'UTC';
  delete from erased_users where erased_at < cutoff::timestamp at time zone 'UTC';
end
$$;

-- What was logged before gets the time of its id.
do $$
declare
  day date;
  hour timestamptz;
begin
  for day in select distinct (day7_time(prediction_id) at time zone 'UTC')::date from predictions_0001 loop
    perform day7_make_partition(day);
  end loop;
  insert into predictions
    select prediction_id, day7_time(prediction_id), user_id, country, country_region, source, platform, device_family, os_version,
      event_1, event_2, event_3, predicted_revenue, raw_score, inference_time_us, model_name, model_version, variant
    from predictions_0001;
  for hour in select distinct date_trunc('hour', time, 'UTC') from predictions loop
    perform day7_recount(hour);
  end loop;
end
$$;
drop table predictions_0001;
