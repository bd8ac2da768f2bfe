create table {schema}.sl_outbox(
  outbox text collate "C" not null,
  id bigint generated always as identity,
  xid xid8 not null default pg_current_xact_id(),
  written_at timestamptz not null default clock_timestamp(),
  headers jsonb not null,
  body bytea not null,
  primary key(outbox, id))
with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
