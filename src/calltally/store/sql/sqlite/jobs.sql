-- name: merged_into
-- Ids that were merged into a call.
SELECT id FROM tombstones WHERE tenant = :tenant AND merged_into = :id;
