-- name: meta_schema_version
-- Migration of the schema.
SELECT version_num FROM alembic_version;

-- name: meta_oldest_schema
-- Oldest schema version with code that runs on this schema. Exists since 0002.
SELECT oldest FROM schema_support;

-- name: meta_try_write!
-- Write the present value again; fails on a read-only database.
UPDATE schema_support SET oldest = oldest;
