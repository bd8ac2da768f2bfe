create table {schema}.sl_operation(
  id text collate "C" primary key,
  kind text collate "C" not null,
  caller text collate "C" not null,
  idempotency_key text collate "C",
  fingerprint text collate "C",
  request_type text not null,
  request bytea,
  accepted_at timestamptz not null default clock_timestamp(),
  phase text collate "C" not null default 'PENDING',
  due timestamptz not null default clock_timestamp(),
  fence bigint not null default 0,
  attempts int not null default 0,
  percent int,
  note text,
  cancel_requested boolean not null default false,
  revision bigint not null default 1,
  ending text collate "C",
  status int,
  location text,
  result_type text,
  result bytea,
  retention interval not null,
  remembered interval not null,
  until timestamptz not null default 'infinity',
  forgotten timestamptz not null default 'infinity',
  callback text,
  callback_due timestamptz not null default 'infinity',
  callback_attempts int not null default 0,
  callback_fence bigint not null default 0);

create unique index sl_operation_key on {schema}.sl_operation(kind, caller, idempotency_key)
  where idempotency_key is not null;

create index sl_operation_due on {schema}.sl_operation(kind, due) where due < 'infinity';

create index sl_operation_callback on {schema}.sl_operation(kind, callback_due)
  where callback_due < 'infinity';

create index sl_operation_until on {schema}.sl_operation(until) where phase = 'ENDED';

create index sl_operation_forgotten on {schema}.sl_operation(forgotten)
  where forgotten < 'infinity';
