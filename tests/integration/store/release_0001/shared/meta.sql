-- name: meta_schema_version
-- Which migration the schema is at.
SELECT version_num FROM alembic_version;
