-- name: words_of_calls
-- Current words of calls.
SELECT id, words FROM call_texts WHERE tenant = :tenant AND id = :id AND valid_to IS NULL;

-- name: bodies_of_nodes
-- Facts of SIDs, with their raw bodies.
SELECT node, key, received_us, content, raw FROM facts WHERE tenant = :tenant AND node = :node;

-- name: calls_created_after
-- Calls in the order of creation after a call, with all compared columns and the cursor columns of the index. The compared columns come from the rows, not from the index.
SELECT c.id, c.call_sid, c.created_us, c.status, c.direction, c.route, c.agent, c.provider, c.escalated, c.from_number, c.to_number, c.parent_call_sid, c.measured, c.revision, c.updated_us, c.record, k.created_us, k.id
FROM (
    SELECT rowid AS place, created_us, id FROM calls
    WHERE tenant = :tenant AND (created_us, id) > (:after_us, :after_id) ORDER BY created_us, id LIMIT :most
) AS k
JOIN calls AS c ON c.rowid = k.place
WHERE c.tenant = :tenant
ORDER BY k.created_us, k.id;
