create table predictions (
  prediction_id     uuid primary key,
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
  variant           text not null
);

create index predictions_time on predictions (time);
