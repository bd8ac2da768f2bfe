create table {schema}.sl_task(
  id text collate "C" primary key,
  kind text collate "C" not null,
  state text collate "C" not null default 'RUNNING',
  why text not null default '',
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz);

create index sl_task_open on {schema}.sl_task(state, id) where ended_at is null;

create index sl_task_ended on {schema}.sl_task(ended_at) where ended_at is not null;

create table {schema}.sl_task_step(
  task text collate "C" not null,
  name text collate "C" not null,
  place int not null,
  kind text collate "C" not null,
  channel text collate "C" not null,
  input_type text not null,
  input bytea not null,
  after text[] collate "C" not null,
  within interval not null,
  remedies text[] not null,
  state text collate "C" not null,
  undoing boolean not null default false,
  output_type text,
  output bytea,
  agent text not null default '',
  note text not null default '',
  for_good boolean not null default false,
  attempts int not null default 0,
  tried int not null default 0,
  version bigint not null default 1,
  complete_by timestamptz not null default 'infinity',
  leased_until timestamptz not null default '-infinity',
  dispatch_at timestamptz not null default 'infinity',
  trouble_at timestamptz not null default 'infinity',
  primary key(task, name))
  with (fillfactor = 70);

create index sl_task_step_dispatch on {schema}.sl_task_step(channel, dispatch_at)
  where dispatch_at < 'infinity';

create index sl_task_step_trouble on {schema}.sl_task_step(trouble_at)
  where trouble_at < 'infinity';

create index sl_task_step_escalated on {schema}.sl_task_step(task) where state = 'ESCALATED';
