-- name: sessions_of_calls
-- Current rows of the sessions of calls.
SELECT t.tenant, t.session_id, t.id, t.record, t.turns_node, t.turns_key, t.functions_node, t.functions_key
FROM unnest(:tenant::text[], :id::bytea[]) AS k (tenant, id)
JOIN voice_sessions AS t ON t.tenant = k.tenant AND t.id = k.id;

-- name: put_sessions!
-- New and changed sessions.
INSERT INTO voice_sessions (
    tenant, session_id, id, created_us, status, stream_id, agent_key, revision, record,
    turns_node, turns_key, functions_node, functions_key
)
SELECT * FROM unnest(
    :tenant::text[], :session_id::text[], :id::bytea[], :created_us::bigint[], :status::text[],
    :stream_id::text[], :agent_key::text[], :revision::bigint[], :record::bytea[],
    :turns_node::bytea[], :turns_key::bytea[], :functions_node::bytea[], :functions_key::bytea[]
)
ON CONFLICT (tenant, session_id, id) DO UPDATE SET
    created_us = excluded.created_us,
    status = excluded.status,
    stream_id = excluded.stream_id,
    agent_key = excluded.agent_key,
    revision = excluded.revision,
    record = excluded.record,
    turns_node = excluded.turns_node,
    turns_key = excluded.turns_key,
    functions_node = excluded.functions_node,
    functions_key = excluded.functions_key;

-- name: drop_sessions!
-- Sessions of merged and erased calls.
DELETE FROM voice_sessions AS t USING unnest(:tenant::text[], :id::bytea[]) AS k (tenant, id)
WHERE t.tenant = k.tenant AND t.id = k.id;

-- name: conversations_of_facts
-- Packed conversations of facts.
SELECT t.tenant, t.node, t.key, t.conversation
FROM unnest(:tenant::text[], :node::bytea[], :key::bytea[]) AS k (tenant, node, key)
JOIN facts AS t ON t.tenant = k.tenant AND t.node = k.node AND t.key = k.key;
