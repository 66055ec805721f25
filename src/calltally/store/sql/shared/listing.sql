-- name: search_total
-- Number of calls with all of some words, or of a beginning of SIDs.
SELECT count(*) FROM ({ids}) AS d
CROSS JOIN calls AS c
WHERE c.tenant = :tenant AND c.id = d.id AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters};

-- name: search_records
-- Page of calls with all of some words, or of a beginning of SIDs: linear in the calls with these words.
SELECT c.record FROM ({ids}) AS d
CROSS JOIN calls AS c
WHERE c.tenant = :tenant AND c.id = d.id AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT :most OFFSET :skip;

-- name: words_total
-- Number of calls with all of some words as of a revision, up to a limit, without other filters: each call has one text.
SELECT count(*) FROM (
    SELECT d.id FROM ledger_heads AS h CROSS JOIN ({ids_of_words}) AS d WHERE h.tenant = :tenant {filters} LIMIT :most
) AS n;

-- name: fresh_total
-- Number of calls that match a filter now and changed since a revision.
SELECT count(*) FROM calls AS c
WHERE c.tenant = :tenant AND c.revision > :since AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters};

-- name: calls_at
-- Number of calls of a filter with the same creation time as a call, up to this call.
SELECT count(*) FROM calls AS c
WHERE c.tenant = :tenant AND c.created_us = :at_us AND c.id {comparison} :after {filters};

-- name: calls_at_as_of
-- The same as of a revision.
SELECT (
    SELECT count(*) FROM calls AS c
    WHERE c.tenant = :tenant AND c.created_us = :at_us AND c.id {comparison} :after {filters} AND c.revision <= :as_of
) + (
    SELECT count(*) FROM call_versions AS c
    WHERE c.tenant = :tenant AND c.created_us = :at_us AND c.id {comparison} :after {filters}
        AND c.valid_from <= :as_of AND c.valid_to > :as_of
);

-- name: created_of_call
-- Creation time of a call, and its last revision.
SELECT created_us, revision FROM calls WHERE tenant = :tenant AND id = :id;

-- name: ends_of_id
-- Last revision of an id that was merged, erased or expired.
SELECT revision FROM tombstones WHERE tenant = :tenant AND id = :id ORDER BY revision DESC LIMIT 1;

-- name: version_that_ended
-- Version of a call that ended at a revision.
SELECT id, created_us, valid_from FROM call_versions WHERE tenant = :tenant AND valid_to = :valid_to;

-- name: erased_since
-- One row if calls were erased since a revision.
SELECT 1 FROM tombstones WHERE tenant = :tenant AND revision > :as_of AND reason <> 'merged' LIMIT 1;

-- name: unrecorded_version
-- One row if an older version of a call, as of a revision, does not have a column that a filter reads.
SELECT 1 FROM call_versions AS c
WHERE c.tenant = :tenant AND c.valid_to > :as_of AND c.valid_from <= :as_of AND {column} IS NULL LIMIT 1;

-- name: standing_of_tenant
-- Head of a ledger.
SELECT revision, epoch, kept_from, erasures FROM ledger_heads WHERE tenant = :tenant;

-- name: hold_of_name
-- Pinned revision of a hold, and the time of its pinning.
SELECT revision, pinned_us FROM holds WHERE tenant = :tenant AND name = :name;

-- name: pin_hold!
-- Pin a snapshot under a name, in place of one that is no longer kept.
INSERT INTO holds (tenant, name, revision, pinned_us)
VALUES (:tenant, :name, :revision, :now_us)
ON CONFLICT (tenant, name) DO UPDATE SET revision = excluded.revision, pinned_us = excluded.pinned_us;

-- name: calls_before
-- Oldest calls created before an instant.
SELECT id FROM calls WHERE tenant = :tenant AND created_us < :hi_us ORDER BY created_us, id LIMIT :most;

-- name: summaries_after
-- Calls by id, each with a flag for indexed words.
SELECT c.id, c.revision, c.record, (
    SELECT count(*) FROM call_texts AS d WHERE d.tenant = :tenant AND d.id = c.id AND d.valid_to IS NULL
)
FROM calls AS c WHERE c.tenant = :tenant AND c.id > :id ORDER BY c.id LIMIT :most;

-- name: calls_changed
-- Calls that changed after a revision, in the order of their last change.
SELECT revision, record FROM calls WHERE tenant = :tenant AND revision > :after ORDER BY revision LIMIT :most;

-- name: calls_ended
-- Ids that ended after a revision, in that order, each once; ids in use again are left out.
SELECT t.revision, t.id, t.reason, t.merged_into, t.created_us FROM tombstones AS t
WHERE t.tenant = :tenant AND t.revision > :after
    AND NOT EXISTS (SELECT 1 FROM calls AS c WHERE c.tenant = :tenant AND c.id = t.id)
    AND NOT EXISTS (SELECT 1 FROM tombstones AS l WHERE l.tenant = :tenant AND l.id = t.id AND l.revision > t.revision)
ORDER BY t.revision LIMIT :most;

-- name: lags_of_calls
-- Provider and time from creation to change, of the calls that changed last.
SELECT provider, updated_us - created_us FROM calls WHERE tenant = :tenant ORDER BY revision DESC LIMIT :most;

-- name: record_of_id
-- Finished record of one call.
SELECT record FROM calls WHERE tenant = :tenant AND id = :id;

-- name: nodes_of_prefix
-- SIDs that begin alike, as nodes, each with its call.
SELECT c.id, c.id FROM calls AS c
WHERE c.tenant = :tenant AND c.call_sid >= :prefix AND c.call_sid < :prefix_end
UNION ALL
SELECT i.node, i.id FROM identities AS i
WHERE i.tenant = :tenant AND i.call_sid >= :prefix AND i.call_sid < :prefix_end
LIMIT :most;

-- name: values_of_facet
-- Names of one kind that calls have, such as routes, in order: one step in the index for each.
WITH RECURSIVE named (facet) AS (
    SELECT min(t.facet) FROM counts AS t WHERE t.tenant = :tenant AND t.facet >= :lo AND t.facet < :hi
    UNION ALL
    SELECT (
        SELECT min(t.facet) FROM counts AS t WHERE t.tenant = :tenant AND t.facet > n.facet AND t.facet < :hi
    ) FROM named AS n WHERE n.facet IS NOT NULL
)
SELECT n.facet FROM named AS n
WHERE EXISTS (
    SELECT 1 FROM counts AS t
    WHERE t.tenant = :tenant AND t.facet = n.facet AND t.width_s = :width_s AND t.calls > 0
)
LIMIT :most;
