-- name: words_of_calls
-- Current words of calls.
SELECT t.id, array_to_string(tsvector_to_array(t.words), ' ')
FROM unnest(:tenant::text[], :id::bytea[]) AS k (tenant, id)
JOIN call_texts AS t ON t.tenant = k.tenant AND t.id = k.id AND t.valid_to IS NULL;

-- name: bodies_of_nodes
-- Facts of SIDs, with their raw bodies.
SELECT t.node, t.key, t.received_us, t.content, t.raw
FROM unnest(:tenant::text[], :node::bytea[]) AS k (tenant, node)
JOIN facts AS t ON t.tenant = k.tenant AND t.node = k.node;

-- name: calls_created_after
-- Calls in the order of creation after a call, with all compared columns and the cursor columns.
SELECT id, call_sid, created_us, status, direction, route, agent, provider, escalated, from_number, to_number, parent_call_sid, measured, revision, updated_us, record, created_us, id
FROM calls WHERE tenant = :tenant AND (created_us, id) > (:after_us, :after_id) ORDER BY created_us, id LIMIT :most;
