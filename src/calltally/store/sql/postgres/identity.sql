-- name: meta_identity
-- Identity of a database, which it shares only with its physical copies.
SELECT c.system_identifier || '/' || d.oid FROM pg_control_system() AS c, pg_database AS d
WHERE d.datname = current_database();
