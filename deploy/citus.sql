-- Distributes the items of Stockroom over the nodes of a Citus cluster; docs/operations/citus.md says when that pays.
--
-- Run it on the coordinator, after `stockroom migrate up` and while the service is stopped, with the schema of
-- POSTGRES_SCHEMA as the search_path. It may be run again: what is distributed already stays as it is.
--
--   PGOPTIONS='-c search_path=public' psql -v ON_ERROR_STOP=1 -f deploy/citus.sql "$DATABASE_URL"

do $$
begin
  if not exists (select from pg_extension where extname = 'citus') then
    raise exception 'This database has no Citus, so nothing was changed.'
      using hint = 'Run "create extension citus" on all nodes, or use Stockroom without this file.';
  end if;
  if to_regclass('items') is null or to_regclass('change_sets') is null then
    raise exception 'The schema % has no tables of Stockroom, so nothing was changed.', current_schema()
      using hint = 'Run "stockroom migrate up", and set the search_path to POSTGRES_SCHEMA.';
  end if;
  if not exists (select from pg_dist_node where groupid = 0) then
    raise exception 'The coordinator is not a node of the cluster, so nothing was changed.'
      using hint = 'Run "select citus_set_coordinator_host(''<host>'')" on the coordinator.';
  end if;

  -- A foreign key of items refers to managers, so each node has a copy of them.
  if not exists (select from pg_dist_partition where logicalrelid = 'store_managers'::regclass and repmodel = 't') then
    perform create_reference_table('store_managers');
  end if;

  -- Written by each transaction that writes items: as a table that Citus manages, it makes them commit in two phases, so that
  -- neither items nor their history exist without the other. The rest of the history stays a table of the coordinator, whose
  -- transaction IDs order the change feed.
  if not exists (select from pg_dist_partition where logicalrelid = 'change_sets'::regclass) then
    perform citus_add_local_table_to_metadata('change_sets');
  end if;

  if not exists (select from pg_dist_partition where logicalrelid = 'items'::regclass and partmethod = 'h') then
    -- Never joined with another distributed table, such as the items of another schema, so they do not share its locks.
    perform create_distributed_table('items', 'id', colocate_with => 'none');
  end if;
end $$;
