-- name: merged_into
-- Ids that were merged into calls.
SELECT t.id
FROM unnest(:tenant::text[], :id::bytea[]) AS k (tenant, id)
JOIN tombstones AS t ON t.tenant = k.tenant AND t.merged_into = k.id;
