-- name: session_total
-- How many sessions a filter has: linear in those that match.
SELECT count(*) FROM voice_sessions AS s WHERE s.tenant = :tenant {filters};

-- name: session_records
-- A page of them, newest first.
SELECT s.record FROM voice_sessions AS s WHERE s.tenant = :tenant {filters}
ORDER BY s.created_us DESC, s.session_id DESC, s.id DESC LIMIT :most OFFSET :skip;

-- name: sessions_of_name
-- The sessions of an id, the newest first: mostly there is one.
SELECT s.id, s.record, s.turns_node, s.turns_key, s.functions_node, s.functions_key FROM voice_sessions AS s
WHERE s.tenant = :tenant AND s.session_id = :session_id ORDER BY s.created_us DESC, s.id DESC LIMIT 1;

-- name: session_of_call
-- One session of one call.
SELECT s.id, s.record, s.turns_node, s.turns_key, s.functions_node, s.functions_key FROM voice_sessions AS s
WHERE s.tenant = :tenant AND s.session_id = :session_id AND s.id = :id;

-- name: refold_of_tenant
-- Behind which id a tenant's calls are still to be folded anew; no row where none is.
SELECT after_id FROM refolds WHERE tenant = :tenant;

-- name: begin_refold!
-- All of a tenant's calls are to be folded anew.
INSERT INTO refolds (tenant, after_id) VALUES (:tenant, :after_id)
ON CONFLICT (tenant) DO UPDATE SET after_id = excluded.after_id;

-- name: end_refold!
DELETE FROM refolds WHERE tenant = :tenant;

-- name: drop_lost_sessions!
-- Sessions of calls that are gone: a node of the release before erases calls without them.
DELETE FROM voice_sessions WHERE tenant = :tenant AND NOT EXISTS (
    SELECT 1 FROM calls AS c WHERE c.tenant = :tenant AND c.id = voice_sessions.id
);
