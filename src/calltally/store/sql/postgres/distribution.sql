-- name: meta_citus_catalogue
-- Whether the extension is in this database: its list of distributed tables is.
SELECT to_regclass('pg_dist_partition') IS NOT NULL;

-- name: meta_distributed_tables
-- Tables that Citus knows: how each is spread (h: by a column, n: not at all), by what, and with which others.
SELECT c.relname::text, p.partmethod::text, column_to_column_name(p.logicalrelid, p.partkey)::text, p.colocationid::bigint
FROM pg_dist_partition AS p
JOIN pg_class AS c ON c.oid = p.logicalrelid
WHERE c.relnamespace = current_schema()::regnamespace
ORDER BY c.relname;

-- name: meta_shard_nodes
-- How many nodes may hold rows.
SELECT count(*) FROM pg_dist_node WHERE isactive AND shouldhaveshards AND noderole = 'primary';

-- name: meta_shard_copies
-- How many copies of each row Citus would write itself; null where it does not say.
SELECT current_setting('citus.shard_replication_factor', true);

-- name: meta_tables
-- The tables of this schema that no extension brought: about how many rows, and how many bytes with the indexes.
SELECT c.relname::text, greatest(c.reltuples, 0)::bigint, pg_total_relation_size(c.oid)::bigint
FROM pg_class AS c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
    AND NOT EXISTS (SELECT 1 FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname;

-- name: meta_unique_keys
-- Every primary and unique key of this schema, with its first column.
SELECT t.relname::text, k.relname::text, coalesce(a.attname::text, '')
FROM pg_index AS i
JOIN pg_class AS k ON k.oid = i.indexrelid
JOIN pg_class AS t ON t.oid = i.indrelid
LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE t.relnamespace = current_schema()::regnamespace AND i.indisunique
ORDER BY t.relname, k.relname;

-- name: meta_without_time_limit!
-- The rows of a table may take longer to move than any statement of the service may.
SET LOCAL statement_timeout = 0;

-- name: meta_distribute_first
-- Spread the tenants themselves, apart from whatever else is spread in this database.
SELECT create_distributed_table('tenants', 'tenant', colocate_with => 'none');

-- name: meta_distribute
-- Spread a table by tenant: a tenant's rows of all tables are on one node.
SELECT create_distributed_table(:table::text::regclass, 'tenant', colocate_with => 'tenants');
