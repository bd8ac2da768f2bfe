create table {schema}.sl_subscription(
  topic text collate "C" not null,
  name text collate "C" not null,
  types text[] not null,
  condition jsonpath,
  created_at timestamptz not null default clock_timestamp(),
  primary key(topic, name));
