create table {schema}.sl_aggregation(
  scope text collate "C" not null,
  key text collate "C" not null,
  state text collate "C" not null default 'OPEN',
  legs text[] not null,
  deadline timestamptz not null,
  due_at timestamptz not null,
  token text collate "C" not null default '',
  headers jsonb not null,
  body bytea not null,
  result_headers jsonb,
  result_body bytea,
  primary key(scope, key));

create index sl_aggregation_due on {schema}.sl_aggregation(scope, due_at)
  where state <> 'COMPLETED';

create index sl_aggregation_completed on {schema}.sl_aggregation(due_at)
  where state = 'COMPLETED';

create table {schema}.sl_aggregation_reply(
  scope text collate "C" not null,
  key text collate "C" not null,
  leg text collate "C" not null,
  id bigint generated always as identity,
  headers jsonb not null,
  body bytea not null,
  primary key(scope, key, leg),
  foreign key(scope, key) references {schema}.sl_aggregation on delete cascade);
