create sequence {schema}.sl_position cache 32;

create sequence {schema}.sl_claim;

create table {schema}.sl_message(
  queue text collate "C" not null,
  id bigint not null default nextval('{schema}.sl_position'),
  rank bigint not null,
  visible_at timestamptz not null default '-infinity',
  claim bigint,
  attempts int not null default 0,
  expires_at timestamptz,
  headers jsonb not null,
  body bytea not null,
  primary key(queue, id))
with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

create index sl_message_ready on {schema}.sl_message(queue, rank, id)
  where visible_at = '-infinity';

create index sl_message_resting on {schema}.sl_message(queue, visible_at)
  where visible_at > '-infinity';

create table {schema}.sl_group_message(
  queue text collate "C" not null,
  grp text collate "C" not null,
  seq bigint not null,
  id bigint not null default nextval('{schema}.sl_position'),
  expires_at timestamptz,
  headers jsonb not null,
  body bytea not null,
  primary key(queue, grp, seq))
with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

create table {schema}.sl_group_seq(
  queue text collate "C" not null,
  grp text collate "C" not null,
  next_seq bigint not null,
  primary key(queue, grp))
with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

create table {schema}.sl_lane(
  queue text collate "C" not null,
  grp text collate "C" not null,
  head_seq bigint not null,
  visible_at timestamptz not null default clock_timestamp(),
  claim bigint,
  attempts int not null default 0,
  asleep_since timestamptz,
  primary key(queue, grp))
with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

create index sl_lane_awake on {schema}.sl_lane(queue, visible_at)
  where visible_at < 'infinity';

create index sl_lane_asleep on {schema}.sl_lane(queue, asleep_since)
  where visible_at = 'infinity';
