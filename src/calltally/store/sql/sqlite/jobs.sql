-- name: merged_into
-- The ids that became part of a call.
SELECT id FROM tombstones WHERE tenant = :tenant AND merged_into = :id;
