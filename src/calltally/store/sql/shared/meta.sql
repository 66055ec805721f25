-- name: meta_schema_version
-- Which migration the schema is at.
SELECT version_num FROM alembic_version;

-- name: meta_oldest_schema
-- The oldest schema whose code runs on this one. There since 0002.
SELECT oldest FROM schema_support;

-- name: meta_try_write!
-- Write what is there already: it fails where nothing can be written.
UPDATE schema_support SET oldest = oldest;
