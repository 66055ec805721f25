-- name: sessions_of_calls
-- Current rows of the sessions of calls.
SELECT tenant, session_id, id, record, turns_node, turns_key, functions_node, functions_key
FROM voice_sessions WHERE tenant = :tenant AND id = :id;

-- name: put_sessions!
-- New and changed sessions.
INSERT INTO voice_sessions (
    tenant, session_id, id, created_us, status, stream_id, agent_key, revision, record,
    turns_node, turns_key, functions_node, functions_key
)
VALUES (
    :tenant, :session_id, :id, :created_us, :status, :stream_id, :agent_key, :revision, :record,
    :turns_node, :turns_key, :functions_node, :functions_key
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
DELETE FROM voice_sessions WHERE tenant = :tenant AND id = :id;

-- name: conversations_of_facts
-- Packed conversations of facts.
SELECT tenant, node, key, conversation FROM facts WHERE tenant = :tenant AND node = :node AND key = :key;
