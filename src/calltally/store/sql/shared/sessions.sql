-- name: session_total
-- Number of sessions of a filter: linear in the sessions that match.
SELECT count(*) FROM voice_sessions AS s WHERE s.tenant = :tenant {filters};

-- name: session_records
-- Page of sessions, newest first.
SELECT s.record FROM voice_sessions AS s WHERE s.tenant = :tenant {filters}
ORDER BY s.created_us DESC, s.session_id DESC, s.id DESC LIMIT :most OFFSET :skip;

-- name: sessions_of_name
-- Newest session of an id: usually there is only one.
SELECT s.id, s.record, s.turns_node, s.turns_key, s.functions_node, s.functions_key FROM voice_sessions AS s
WHERE s.tenant = :tenant AND s.session_id = :session_id ORDER BY s.created_us DESC, s.id DESC LIMIT 1;

-- name: session_of_call
-- One session of one call.
SELECT s.id, s.record, s.turns_node, s.turns_key, s.functions_node, s.functions_key FROM voice_sessions AS s
WHERE s.tenant = :tenant AND s.session_id = :session_id AND s.id = :id;

-- name: refold_of_tenant
-- Id after which a tenant's calls are still to be folded again; no row if none are.
SELECT after_id FROM refolds WHERE tenant = :tenant;

-- name: begin_refold!
-- Mark all of a tenant's calls to be folded again.
INSERT INTO refolds (tenant, after_id) VALUES (:tenant, :after_id)
ON CONFLICT (tenant) DO UPDATE SET after_id = excluded.after_id;

-- name: end_refold!
DELETE FROM refolds WHERE tenant = :tenant;

-- name: drop_lost_sessions!
-- Sessions of deleted calls: processes of the previous release erase calls without their sessions.
DELETE FROM voice_sessions WHERE tenant = :tenant AND NOT EXISTS (
    SELECT 1 FROM calls AS c WHERE c.tenant = :tenant AND c.id = voice_sessions.id
);
