-- Installs: one row for each user, with the first prediction and the outcome; and their sums by day, model and facets. The service keeps them
-- up with the predictions, a few seconds late.

-- Users by a hash of their id; a prediction without a user id is an install of its own.
create function day7_hash(value text) returns uuid
language sql stable parallel safe as $$
  select encode(substring(sha256(convert_to(value, 'UTF8')) for 16), 'hex')::uuid
$$;

create function day7_install_id(user_id text, prediction_id uuid) returns uuid
language sql stable parallel safe as $$
  select case when user_id is null then prediction_id else day7_hash(user_id) end
$$;

-- Installs of one day that share model and facets. Never more than their installs say: whoever changes those changes both.
create table cohorts (
  -- A hash of the columns up to the facets.
  cohort_id         uuid primary key,
  -- UTC, of the first prediction.
  day               date not null,
  schema_id         text not null,
  model_name        text not null,
  model_version     text not null,
  variant           text not null,
  -- In the order of input_schemas.facets.
  facets            text[] not null,
  installs          bigint not null default 0,
  predicted         numeric not null default 0,
  -- With an outcome of any time.
  reported          bigint not null default 0,
  actual            numeric not null default 0,
  -- With an outcome that was observed when the horizon was over.
  matured           bigint not null default 0,
  matured_predicted numeric not null default 0,
  matured_actual    numeric not null default 0
) with (fillfactor = 50);

create index cohorts_day on cohorts (day);

create table installs (
  install_id        uuid primary key,
  prediction_id     uuid not null,
  time              timestamptz not null,
  cohort_id         uuid not null,
  predicted_revenue double precision not null,
  -- The outcome that counts; null: none is known.
  outcome_id        bigint,
  -- Whether it was reported for a prediction, not for the user.
  of_prediction     boolean not null default false,
  actual_revenue    double precision,
  observed_at       timestamptz,
  -- Whether it was observed when the horizon was over.
  is_matured        boolean not null default false
) with (fillfactor = 80);

create index installs_time on installs (time, install_id);

-- Minutes with predictions that may not be installs yet; the same minute is there again for each shipment.
create table unsettled_minutes (
  id     bigint generated always as identity primary key,
  minute timestamptz not null
);

-- What was spent on acquiring installs, by day and facets.

create table spend (
  -- A hash of day and facets: the last report of them counts.
  spend_id    uuid primary key,
  day         date not null,
  -- Names of facets and their values, as cohorts have them.
  facets      jsonb not null,
  amount      numeric not null check (amount >= 0),
  received_at timestamptz not null default now()
);

create index spend_day on spend (day);

alter table outcomes
  -- Null: the prediction is not there yet.
  add column install_id uuid,
  add column settled boolean not null default false;

update outcomes set install_id = day7_hash(user_id) where user_id is not null;

create index outcomes_install on outcomes (install_id);
create index outcomes_unsettled on outcomes (outcome_id) where not settled;
create index outcomes_waiting on outcomes (date_bin('1 minute', day7_time(prediction_id), 'epoch')) where install_id is null;

insert into unsettled_minutes (minute) select distinct date_bin('1 minute', time, 'epoch') from predictions order by 1;

-- Partitions from today on are made ahead; predictions older than the retention are dropped, with their statistics. A day more is kept: that much
-- the clock of a host may be behind.
create or replace function day7_maintain(today date, retention_days integer) returns void
language plpgsql as $$
declare
  cutoff date := today - retention_days - 1;
  cutoff_time timestamptz := cutoff::timestamp at time zone 'UTC';
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
  delete from prediction_totals where start < cutoff_time;
  delete from prediction_counts where start < cutoff_time;
  delete from prediction_totals where resolution = 'minute' and start < today::timestamp at time zone 'UTC' - minutes_kept;
  delete from prediction_counts where resolution = 'minute' and start < today::timestamp at time zone 'UTC' - minutes_kept;
  perform pg_advisory_xact_lock(1684109623, 4);
  delete from cohorts where day < cutoff;
  delete from installs where time < cutoff_time;
  delete from unsettled_minutes where minute < cutoff_time;
  delete from spend where day < cutoff;
  delete from outcomes where received_at < cutoff_time;
  delete from erased_users where erased_at < cutoff_time;
end
$$;

do $$
begin
  execute format('alter function day7_maintain(date, integer) security definer set search_path = %I, pg_temp', current_schema());
end
$$;
