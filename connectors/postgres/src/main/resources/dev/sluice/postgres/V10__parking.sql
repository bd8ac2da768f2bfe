create table {schema}.sl_parked_group(
  flow text collate "C" not null,
  grp text collate "C" not null,
  draining boolean not null default false,
  next_place bigint not null default 1,
  why text not null,
  since timestamptz not null default clock_timestamp(),
  claim text not null default '',
  claimed_until timestamptz not null default '-infinity',
  primary key(flow, grp));

create table {schema}.sl_parked_message(
  flow text collate "C" not null,
  grp text collate "C" not null,
  place bigint not null,
  message_id text collate "C" not null,
  why text,
  parked_at timestamptz not null default clock_timestamp(),
  headers jsonb not null,
  body bytea not null,
  primary key(flow, grp, place));

create unique index sl_parked_message_id on {schema}.sl_parked_message(flow, grp, message_id);
