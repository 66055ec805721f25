-- name: newest_mark
-- Last mark at or before an instant: the head at that time.
SELECT marked_us, revision FROM ledger_marks
WHERE tenant = :tenant AND marked_us <= :at_us
ORDER BY marked_us DESC LIMIT 1;

-- name: put_mark
-- Record the head of a ledger.
INSERT INTO ledger_marks (tenant, marked_us, revision)
VALUES (:tenant, :now_us, :revision)
ON CONFLICT (tenant, marked_us) DO NOTHING
RETURNING revision;

-- name: advance_kept_from
-- First kept revision of snapshots; it never moves back.
UPDATE ledger_heads SET kept_from = :revision
WHERE tenant = :tenant AND kept_from < :revision
RETURNING kept_from;

-- name: has_ended
-- Check for rows that no kept snapshot needs. Each subquery reads the oldest row and then checks
-- its age: with a condition on the age, PostgreSQL can read a whole table to find no row.
SELECT
    (SELECT valid_to FROM call_versions WHERE tenant = :tenant ORDER BY valid_to LIMIT 1) <= :kept_from,
    (SELECT valid_to FROM count_history WHERE tenant = :tenant ORDER BY valid_to LIMIT 1) <= :kept_from,
    (
        SELECT valid_to FROM call_texts WHERE tenant = :tenant AND valid_to IS NOT NULL ORDER BY valid_to LIMIT 1
    ) <= :kept_from,
    (SELECT revision FROM ledger_marks WHERE tenant = :tenant ORDER BY marked_us LIMIT 1) < :kept_from,
    EXISTS (SELECT 1 FROM holds WHERE tenant = :tenant AND revision < :kept_from AND pinned_us <= :pinned_us);

-- name: ended_versions
-- Last revisions of the oldest versions of calls that no kept snapshot needs.
SELECT valid_to FROM call_versions
WHERE tenant = :tenant AND valid_to <= :kept_from
ORDER BY valid_to LIMIT :most;

-- name: prune_versions!
DELETE FROM call_versions WHERE tenant = :tenant AND valid_to >= :lowest AND valid_to <= :highest;

-- name: ended_counts
-- Oldest rows of counters that no kept snapshot needs, in the order of their keys.
SELECT valid_to, facet, width_s, bucket_s FROM count_history
WHERE tenant = :tenant AND valid_to <= :kept_from
ORDER BY valid_to, facet, width_s, bucket_s LIMIT :most;

-- name: prune_counts!
-- Up to and including a key. A commit can have ended more rows than one statement deletes.
DELETE FROM count_history
WHERE
    tenant = :tenant AND valid_to >= :lowest AND valid_to <= :valid_to
    AND (valid_to, facet, width_s, bucket_s) <= (:valid_to, :facet, :width_s, :bucket_s);

-- name: ended_texts
-- Last revisions of the oldest texts of calls that no kept snapshot needs.
SELECT valid_to FROM call_texts
WHERE tenant = :tenant AND valid_to <= :kept_from
ORDER BY valid_to LIMIT :most;

-- name: prune_texts!
DELETE FROM call_texts WHERE tenant = :tenant AND valid_to = :valid_to;

-- name: prune_holds
-- Holds that were pinned long ago and are no longer kept.
DELETE FROM holds
WHERE tenant = :tenant AND name IN (
    SELECT h.name FROM holds AS h
    WHERE h.tenant = :tenant AND h.revision < :kept_from AND h.pinned_us <= :pinned_us ORDER BY h.name LIMIT :most
)
RETURNING name;

-- name: prune_marks
-- Marks before the first kept revision. The mark of that revision stays, so that an idle ledger needs no other.
DELETE FROM ledger_marks
WHERE tenant = :tenant AND revision < :kept_from AND marked_us IN (
    SELECT m.marked_us FROM ledger_marks AS m WHERE m.tenant = :tenant ORDER BY m.marked_us LIMIT :most
)
RETURNING marked_us;
