create table {schema}.sl_dead_letter(
  id bigint generated always as identity primary key,
  channel text collate "C" not null,
  reason text collate "C" not null,
  fingerprint text collate "C" not null,
  message_id text collate "C" not null,
  redrives int not null,
  added_at timestamptz not null default clock_timestamp(),
  claim text not null default '',
  claimed_until timestamptz not null default '-infinity',
  headers jsonb not null,
  body bytea not null);

create index sl_dead_letter_cause on {schema}.sl_dead_letter(fingerprint, id);

create index sl_dead_letter_message on {schema}.sl_dead_letter(message_id);
