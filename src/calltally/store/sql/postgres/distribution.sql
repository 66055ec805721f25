-- name: meta_citus_catalogue
-- True if the extension is installed in this database: its catalogue exists.
SELECT to_regclass('pg_dist_partition') IS NOT NULL;

-- name: meta_distributed_tables
-- Tables of Citus: distribution (h: by a column, n: none), distribution column, and colocated tables.
SELECT c.relname::text, p.partmethod::text, column_to_column_name(p.logicalrelid, p.partkey)::text, p.colocationid::bigint
FROM pg_dist_partition AS p
JOIN pg_class AS c ON c.oid = p.logicalrelid
WHERE c.relnamespace = current_schema()::regnamespace
ORDER BY c.relname;

-- name: meta_shard_nodes
-- Number of nodes that can hold rows.
SELECT count(*) FROM pg_dist_node WHERE isactive AND shouldhaveshards AND noderole = 'primary';

-- name: meta_shard_copies
-- Number of copies of each row that Citus writes itself; NULL if it is not set.
SELECT current_setting('citus.shard_replication_factor', true);

-- name: meta_tables
-- Tables of this schema without those of extensions: estimated rows, and bytes with the indexes.
SELECT c.relname::text, greatest(c.reltuples, 0)::bigint, pg_total_relation_size(c.oid)::bigint
FROM pg_class AS c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
    AND NOT EXISTS (SELECT 1 FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname;

-- name: meta_unique_keys
-- Primary and unique keys of this schema, each with its first column.
SELECT t.relname::text, k.relname::text, coalesce(a.attname::text, '')
FROM pg_index AS i
JOIN pg_class AS k ON k.oid = i.indexrelid
JOIN pg_class AS t ON t.oid = i.indrelid
LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE t.relnamespace = current_schema()::regnamespace AND i.indisunique
ORDER BY t.relname, k.relname;

-- name: meta_without_time_limit!
-- Moving the rows of a table can take longer than the time limits of statements and transactions.
SELECT set_config(name, '0', true) FROM (VALUES ('statement_timeout'), ('transaction_timeout')) AS limits (name)
WHERE current_setting(name, true) IS NOT NULL;

-- name: meta_distribute_first
-- Distribute the tenants themselves, separately from other distributed tables of this database.
SELECT create_distributed_table('tenants', 'tenant', colocate_with => 'none');

-- name: meta_distribute
-- Distribute a table by tenant: a tenant's rows of all tables are on one node.
SELECT create_distributed_table(:table::text::regclass, 'tenant', colocate_with => 'tenants');
