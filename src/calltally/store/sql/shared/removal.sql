-- name: find_removal
-- Time at which the removal of a tenant began. No other statement reads such a tenant.
SELECT removed_us FROM tenants WHERE tenant = :tenant AND removed_us IS NOT NULL;

-- name: admin_removals
SELECT tenant, removed_us FROM tenants WHERE removed_us IS NOT NULL ORDER BY tenant;

-- name: mark_removal!
UPDATE tenants SET removed_us = :now_us WHERE tenant = :tenant;

-- name: drop_rows!
-- All rows of a tenant in a table that has few.
DELETE FROM {table} WHERE tenant = :tenant;

-- name: next_rows
-- Keys of the next rows of a tenant in a table, after the last removed one.
SELECT {keys} FROM {table} WHERE tenant = :tenant{filters} ORDER BY {keys} LIMIT :most;

-- name: remove_rows!
-- Those rows, by the key of the last one.
DELETE FROM {table} WHERE tenant = :tenant{filters} AND ({keys}) <= ({bounds});

-- name: count_rows
SELECT count(*) FROM {table} WHERE tenant = :tenant;

-- name: has_rows
SELECT 1 FROM {table} WHERE tenant = :tenant LIMIT 1;
