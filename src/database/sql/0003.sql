-- The split of the traffic, one row a change: the last one is in force in every process.
create table rollout_settings (
  setting_id       bigint generated always as identity primary key,
  changed_at       timestamptz not null default now(),
  challenger_share double precision not null check (challenger_share between 0 and 1),
  salt             text not null,
  shadow           boolean not null,
  origin           text not null check (origin in ('settings', 'admin')),
  host             text not null
);

-- Events are of a model (serving, refused), of a slot (cleared) or of all traffic (traffic).
alter table model_events
  alter column variant drop not null,
  alter column model_name drop not null,
  alter column model_version drop not null;
