-- name: calls_after
-- Calls in the order of their ids, to be folded anew.
SELECT id, call_sid FROM calls WHERE tenant = :tenant AND id > :id ORDER BY id LIMIT :most;

-- name: fact_keys_after
-- Facts in the order of their keys, from behind one, each with whether its call is there; no row of a fact or call is read.
SELECT f.node, f.key, EXISTS (
    SELECT 1 FROM calls AS c
    WHERE c.tenant = :tenant
    AND c.id = coalesce((SELECT i.id FROM identities AS i WHERE i.tenant = :tenant AND i.node = f.node), f.node)
)
FROM facts AS f
WHERE f.tenant = :tenant AND (f.node, f.key) > (:node, :key) ORDER BY f.node, f.key LIMIT :most;

-- name: first_call_from
-- When the first call from an instant on was created.
SELECT min(created_us) FROM calls WHERE tenant = :tenant AND created_us >= :from_us;

-- name: revisions_recorded
-- How many revisions are told of, how many different ones, the lowest and the highest, and how many from `kept_from` on.
SELECT count(*), count(DISTINCT revision), min(revision), max(revision), count(*) FILTER (WHERE revision >= :kept_from)
FROM (
    SELECT revision FROM calls WHERE tenant = :tenant
    UNION ALL SELECT valid_from FROM call_versions WHERE tenant = :tenant
    UNION ALL SELECT revision FROM tombstones WHERE tenant = :tenant
) AS told;

-- name: head_of_tenant
-- The revision and the epoch of a tenant's ledger.
SELECT revision, epoch FROM ledger_heads WHERE tenant = :tenant;

-- name: first_and_last_call
-- Between which instants a tenant has calls.
SELECT min(created_us), max(created_us) FROM calls WHERE tenant = :tenant;

-- name: windows_of_counts
-- In which windows of a width a tenant has counters, of whatever width those are.
SELECT DISTINCT bucket_s - (bucket_s % :width_s + :width_s) % :width_s FROM counts WHERE tenant = :tenant;

-- name: calls_by_minute
-- The calls of a window by all that counters tell apart, to the minute.
SELECT created_us / 60000000 * 60, status, direction, route, agent, provider, count(*) FROM calls
WHERE tenant = :tenant AND created_us >= :lo_us AND created_us < :hi_us
GROUP BY created_us / 60000000 * 60, status, direction, route, agent, provider;

-- name: counts_between
-- The counters of all facets and widths whose buckets begin in a window.
SELECT facet, width_s, bucket_s, {columns} FROM counts
WHERE tenant = :tenant AND bucket_s >= :lo_s AND bucket_s < :hi_s;

-- name: set_counts!
-- Put one row of counters right.
INSERT INTO counts (tenant, facet, width_s, bucket_s, revision, changes, {columns})
VALUES (:tenant, :facet, :width_s, :bucket_s, :revision, 1, {values})
ON CONFLICT (tenant, facet, width_s, bucket_s) DO UPDATE SET {replaced};

-- name: fact_revision_after
-- The head of the commit of a fact that is drawn by its node.
SELECT revision FROM facts WHERE tenant = :tenant AND node > :id ORDER BY node LIMIT 1;

-- name: call_after
-- When a call that is drawn by its id was created, and its route.
SELECT created_us, route FROM calls WHERE tenant = :tenant AND id > :id ORDER BY id LIMIT 1;

-- name: keep_from!
-- Snapshots from before a revision cannot be told any more.
UPDATE ledger_heads SET kept_from = :revision WHERE tenant = :tenant AND kept_from < :revision;
