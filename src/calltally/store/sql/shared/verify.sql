-- name: calls_after
-- Calls by id, to be folded again.
SELECT id, call_sid FROM calls WHERE tenant = :tenant AND id > :id ORDER BY id LIMIT :most;

-- name: fact_keys_after
-- Keys of facts after a key, each with a flag for an existing call; reads indexes only, no rows of facts or calls.
SELECT f.node, f.key, EXISTS (
    SELECT 1 FROM calls AS c
    WHERE c.tenant = :tenant
    AND c.id = coalesce((SELECT i.id FROM identities AS i WHERE i.tenant = :tenant AND i.node = f.node), f.node)
)
FROM facts AS f
WHERE f.tenant = :tenant AND (f.node, f.key) > (:node, :key) ORDER BY f.node, f.key LIMIT :most;

-- name: first_call_from
-- Creation time of the first call from an instant on.
SELECT min(created_us) FROM calls WHERE tenant = :tenant AND created_us >= :from_us;

-- name: revisions_recorded
-- Number of recorded revisions, of different ones, the lowest, the highest, and the number from `kept_from` on.
SELECT count(*), count(DISTINCT revision), min(revision), max(revision), count(*) FILTER (WHERE revision >= :kept_from)
FROM (
    SELECT revision FROM calls WHERE tenant = :tenant
    UNION ALL SELECT valid_from FROM call_versions WHERE tenant = :tenant
    UNION ALL SELECT revision FROM tombstones WHERE tenant = :tenant
) AS told;

-- name: head_of_tenant
-- Revision and epoch of a tenant's ledger.
SELECT revision, epoch FROM ledger_heads WHERE tenant = :tenant;

-- name: first_and_last_call
-- Times of a tenant's first and last call.
SELECT min(created_us), max(created_us) FROM calls WHERE tenant = :tenant;

-- name: windows_of_counts
-- Windows of a width with counters of any width.
SELECT DISTINCT bucket_s - (bucket_s % :width_s + :width_s) % :width_s FROM counts WHERE tenant = :tenant;

-- name: calls_by_minute
-- Calls of a window by the dimensions of the counters, to the minute.
SELECT created_us / 60000000 * 60, status, direction, route, agent, provider, count(*) FROM calls
WHERE tenant = :tenant AND created_us >= :lo_us AND created_us < :hi_us
GROUP BY created_us / 60000000 * 60, status, direction, route, agent, provider;

-- name: counts_between
-- Counters of all facets and widths with buckets that begin in a window.
SELECT facet, width_s, bucket_s, {columns} FROM counts
WHERE tenant = :tenant AND bucket_s >= :lo_s AND bucket_s < :hi_s;

-- name: set_counts!
-- Repair one row of counters.
INSERT INTO counts (tenant, facet, width_s, bucket_s, revision, changes, {columns})
VALUES (:tenant, :facet, :width_s, :bucket_s, :revision, 1, {values})
ON CONFLICT (tenant, facet, width_s, bucket_s) DO UPDATE SET {replaced};

-- name: fact_revision_after
-- Head of the commit of the first fact after a random node.
SELECT revision FROM facts WHERE tenant = :tenant AND node > :id ORDER BY node LIMIT 1;

-- name: call_after
-- Creation time and route of the first call after a random id.
SELECT created_us, route FROM calls WHERE tenant = :tenant AND id > :id ORDER BY id LIMIT 1;

-- name: keep_from!
-- Snapshots before a revision are no longer kept.
UPDATE ledger_heads SET kept_from = :revision WHERE tenant = :tenant AND kept_from < :revision;
