create table {schema}.sl_saga(
  saga text collate "C" not null,
  id text collate "C" not null,
  version int not null,
  state text collate "C" not null default 'RUNNING',
  revision bigint not null,
  owner text collate "C" not null,
  fence bigint not null,
  takeovers int not null default 0,
  until timestamptz not null,
  opened_at timestamptz not null default clock_timestamp(),
  changed_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  primary key(saga, id))
  with (fillfactor = 50);

create index sl_saga_due on {schema}.sl_saga(saga, until) where state = 'RUNNING';

create index sl_saga_parked on {schema}.sl_saga(saga, id) where state = 'PARKED';

create index sl_saga_ended on {schema}.sl_saga(ended_at) where ended_at is not null;

create table {schema}.sl_saga_event(
  saga text collate "C" not null,
  id text collate "C" not null,
  revision bigint not null,
  at timestamptz not null default clock_timestamp(),
  kind text collate "C" not null,
  step text not null,
  key text not null,
  note text not null,
  data bytea,
  primary key(saga, id, revision));
