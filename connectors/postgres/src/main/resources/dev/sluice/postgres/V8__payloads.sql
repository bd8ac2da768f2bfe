create table {schema}.sl_payload(
  put uuid primary key,
  key text collate "C" not null,
  expires_at timestamptz not null,
  state smallint not null,
  begun_at timestamptz not null default clock_timestamp(),
  chunk_size int not null,
  size bigint,
  content_type text);

create unique index sl_payload_key on {schema}.sl_payload(key) where state = 1;

create index sl_payload_expiry on {schema}.sl_payload(expires_at, key) where state = 1;

create index sl_payload_rest on {schema}.sl_payload(begun_at) where state <> 1;

create table {schema}.sl_payload_chunk(
  put uuid not null,
  n int not null,
  bytes bytea not null,
  primary key(put, n));

alter table {schema}.sl_payload_chunk alter column bytes set storage external;
