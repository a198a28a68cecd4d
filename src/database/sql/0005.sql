-- The inputs of any schema: predictions keep them as JSON, and input_schemas says what they are.

create table input_schemas (
  schema_id    text primary key,
  -- inputs.json; null: its predictions came without it.
  document     jsonb,
  facets       text[] not null default '{}',
  horizon_days double precision,
  -- Null: the view could not be made.
  view_name    text,
  first_seen   timestamptz not null default now()
);

-- What the columns held until now.
insert into input_schemas (schema_id, document, facets, horizon_days, view_name) values (
  '5845e46e511e4d2d',
  '{
    "format": "day7-inputs/1",
    "fields": [
      {"name": "country", "kind": "text", "roles": ["facet", "group"], "description": "ISO 3166 code of the country.", "example": "es"},
      {"name": "country_region", "kind": "text", "description": "Region within the country.", "example": "Madrid"},
      {"name": "source", "kind": "text", "roles": ["facet"], "description": "`Organic` or `Non-Organic`.", "example": "Organic"},
      {"name": "platform", "kind": "text", "nullable": false, "roles": ["facet"], "description": "`iOS` or `Android`, in any case.", "example": "iOS"},
      {"name": "device_family", "kind": "text", "description": "Brand and model family.", "example": "Apple iPhone"},
      {"name": "os_version", "kind": "text", "roles": ["version"], "description": "Version of the operating system.", "example": "14.4"},
      {"name": "event_1", "kind": "number", "nullable": false, "minimum": 0, "roles": ["event"], "description": "How often event 1 happened on the first day.", "example": 100},
      {"name": "event_2", "kind": "number", "nullable": false, "minimum": 0, "roles": ["event"], "description": "How often event 2 happened on the first day.", "example": 50},
      {"name": "event_3", "kind": "number", "minimum": 0, "roles": ["event"], "description": "How often event 3 happened on the first day; null if it is not known.", "example": 10}
    ],
    "target": {"name": "revenue", "horizonDays": 7}
  }',
  '{country,source,platform}', 7, 'predictions_of_5845e46e511e4d2d'
);

-- As facets are counted and grouped by: A-Z in lower case, and short enough for an index.
create function day7_facet_value(value text) returns text
language sql immutable parallel safe as $$
  select left(lower(coalesce(value, 'unknown') collate "C"), 256)
$$;

alter table prediction_counts drop constraint prediction_counts_dimension_check;

alter table predictions rename to predictions_0004;
alter table predictions_0004 rename constraint predictions_pkey to predictions_0004_pkey;
alter index predictions_time rename to predictions_0004_time;
alter index predictions_user rename to predictions_0004_user;

create table predictions (
  prediction_id     uuid not null,
  time              timestamptz not null,
  user_id           text,
  schema_id         text not null,
  inputs            jsonb not null,
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

create index predictions_time on predictions using brin (time) with (autosummarize = on);
create index predictions_user on predictions using brin (user_id text_bloom_ops) with (autosummarize = on);

-- A day after the other: its rows are written once, its indexes are built when all of them are there, and its old table goes.
do $$
declare
  day record;
begin
  for day in
    select relname as name, pg_get_expr(relpartbound, pg_class.oid) as bounds
    from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = 'predictions_0004'::regclass order by relname
  loop
    execute format('alter table %I rename to predictions_0004_day', day.name);
    execute format('create table %I (like predictions)', day.name);
    execute format($insert$
      insert into %I
      select prediction_id, time, user_id, '5845e46e511e4d2d',
        jsonb_build_object(
          'country', country, 'country_region', country_region, 'source', source, 'platform', platform,
          'device_family', device_family, 'os_version', os_version, 'event_1', event_1, 'event_2', event_2, 'event_3', event_3
        ),
        predicted_revenue, raw_score, inference_time_us, model_name, model_version, variant, shadow_version, shadow_revenue
      from predictions_0004_day
    $insert$, day.name);
    drop table predictions_0004_day;
    execute format('alter table predictions attach partition %I %s', day.name, day.bounds);
    -- Sources are counted from now on; minutes are kept for three days.
    execute format($insert$
      with minutes as materialized (
        select date_trunc('minute', time, 'UTC') as start, day7_facet_value(inputs ->> 'source') as value, count(*) as predictions
        from %I group by 1, 2
      ), buckets as (
        select resolution, date_trunc(resolution, start, 'UTC') as start, value, sum(predictions) as predictions
        from minutes, (values ('minute'), ('hour'), ('day')) as resolutions (resolution)
        group by 1, 2, 3
      )
      insert into prediction_counts
      select resolution, start, 'source', value, buckets.predictions
      from buckets join prediction_totals using (resolution, start)
    $insert$, day.name);
  end loop;
end
$$;
drop table predictions_0004;

-- Counts the predictions of an hour afresh, and sums up their day.
create or replace function day7_recount(hour timestamptz) returns void
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
    select 'minute', date_trunc('minute', time, 'UTC'), facet, day7_facet_value(inputs ->> facet), count(*)
    from predictions join input_schemas using (schema_id), unnest(facets) as facet
    where time >= hour and time < hour_end
    group by 2, 3, 4;
  perform day7_roll_up('hour', 'minute', hour);
  perform day7_roll_up('day', 'hour', day);
end
$$;

-- Typed columns, for people; such a view is made for each schema.
create view predictions_of_5845e46e511e4d2d as
select prediction_id, time, user_id, predicted_revenue, raw_score, inference_time_us, model_name, model_version, variant,
  shadow_version, shadow_revenue,
  (inputs ->> 'country')::text as country,
  (inputs ->> 'country_region')::text as country_region,
  (inputs ->> 'source')::text as source,
  (inputs ->> 'platform')::text as platform,
  (inputs ->> 'device_family')::text as device_family,
  (inputs ->> 'os_version')::text as os_version,
  (inputs ->> 'event_1')::double precision as event_1,
  (inputs ->> 'event_2')::double precision as event_2,
  (inputs ->> 'event_3')::double precision as event_3
from predictions where schema_id = '5845e46e511e4d2d';
