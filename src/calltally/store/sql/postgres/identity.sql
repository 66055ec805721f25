-- name: meta_identity
-- What a database has in common with its physical copies, and with no other.
SELECT c.system_identifier || '/' || d.oid FROM pg_control_system() AS c, pg_database AS d
WHERE d.datname = current_database();
