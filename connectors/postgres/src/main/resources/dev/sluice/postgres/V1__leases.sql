create table {schema}.sl_lease(
  name text primary key,
  owner text not null,
  token text not null,
  fence bigint not null,
  until timestamptz not null);
