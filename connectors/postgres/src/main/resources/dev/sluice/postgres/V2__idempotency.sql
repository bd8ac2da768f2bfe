create table {schema}.sl_idempotency(
  scope text collate "C" not null,
  key text collate "C" not null,
  token text not null,
  done boolean not null default false,
  until timestamptz not null,
  result bytea,
  primary key(scope, key));

create index sl_idempotency_until on {schema}.sl_idempotency(until);
