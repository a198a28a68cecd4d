-- Tables that logical replication can follow, partitions beside ones that were detached, and maintenance by the database's clock.

alter table outcomes add column outcome_id bigint generated always as identity primary key;

-- A table of the day that is no partition any more, such as one that was detached to be archived, keeps its name.
create or replace function day7_make_partition(day date) returns void
language plpgsql as $$
declare
  name text := 'predictions_' || to_char(day, 'YYYY_MM_DD');
  partition text := name;
  number integer := 1;
begin
  if day7_has_partition(day) then
    return;
  end if;
  perform pg_advisory_xact_lock(1684109111, 2);
  -- Another process may have made it meanwhile.
  if day7_has_partition(day) then
    return;
  end if;
  while to_regclass(partition) is not null loop
    number := number + 1;
    partition := name || '_' || number;
  end loop;
  execute format('create table %I (like predictions)', partition);
  execute format(
    'alter table predictions attach partition %I for values from (%L) to (%L)',
    partition, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC'
  );
end
$$;

-- Asked of the catalogue: to_regclass would not see what another process has just made.
create function day7_has_partition(day date) returns boolean
language sql stable as $$
  select exists (
    select from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = 'predictions'::regclass
      and relname ~ ('^predictions_' || to_char(day, 'YYYY_MM_DD') || '(_[0-9]+)?$')
  )
$$;

-- Partitions from today on are made ahead; predictions older than the retention are dropped, with their statistics. A day more is kept: that much
-- the clock of a host may be behind.
create or replace function day7_maintain(today date, retention_days integer) returns void
language plpgsql as $$
declare
  cutoff date := today - retention_days - 1;
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
