-- Rises with whatever moves a task on, so that a statement that has its row sees whether it also sees
-- its steps as they are.
alter table {schema}.sl_task add column revision bigint not null default 0;
alter table {schema}.sl_task set (fillfactor = 70);
