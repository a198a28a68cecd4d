-- A service may be a role that owns nothing and creates nothing: what it needs of the owner's rights are two functions.

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
  -- An index of block ranges sums up the first range at once, and then with every row, which is slow; others are summed up when they are full.
  perform brin_desummarize_range(indexrelid, 0)
    from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
    where indrelid = partition::regclass and amname = 'brin';
end
$$;

-- To be said again by whoever replaces one of them. Nobody else may drop the log's partitions.
do $$
begin
  execute format('alter function day7_make_partition(date) security definer set search_path = %I, pg_temp', current_schema());
  execute format('alter function day7_maintain(date, integer) security definer set search_path = %I, pg_temp', current_schema());
end
$$;
revoke execute on function day7_make_partition(date), day7_maintain(date, integer) from public;
