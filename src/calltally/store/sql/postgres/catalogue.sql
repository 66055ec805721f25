-- name: meta_index_names
-- Indexes of this schema that queries can use.
SELECT c.relname::text FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE c.relnamespace = current_schema()::regnamespace AND i.indisvalid;

-- name: meta_database_bytes
SELECT pg_database_size(current_database())::bigint;

-- name: meta_server_state
-- Clock in microseconds, version, connections for ordinary users, and connections in use.
SELECT
    (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
    current_setting('server_version'),
    current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'calltally');

-- name: meta_tables_without_rights
-- Tables of this schema that this user cannot read or cannot write.
SELECT c.relname::text FROM pg_class AS c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
    AND NOT (
        has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
        AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')
    )
ORDER BY c.relname;
