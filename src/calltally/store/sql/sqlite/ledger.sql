-- name: lock_heads
-- Revision of each tenant of a commit. The transaction is already exclusive (BEGIN IMMEDIATE).
SELECT tenant, revision, epoch FROM ledger_heads WHERE tenant = :tenant;

-- name: identities_of_nodes
-- Calls of linked SIDs.
SELECT tenant, node, call_sid, id FROM identities WHERE tenant = :tenant AND node = :node;

-- name: identities_of_calls
-- All SIDs of calls with several SIDs.
SELECT tenant, node, call_sid, id FROM identities WHERE tenant = :tenant AND id = :id;

-- name: facts_of_nodes
-- Data of each fact that the fold needs.
SELECT tenant, node, key, received_us, content FROM facts WHERE tenant = :tenant AND node = :node;

-- name: keys_of_nodes
-- Keys of facts, without their content.
SELECT node, key FROM facts WHERE tenant = :tenant AND node = :node;

-- name: calls_of_ids
-- Current rows of calls.
SELECT tenant, id, created_us, status, direction, route, agent, provider, escalated, from_number, to_number, parent_call_sid, revision, updated_us, record, measured FROM calls WHERE tenant = :tenant AND id = :id;

-- name: put_facts!
-- New facts.
INSERT INTO facts (
    tenant, node, key, received_us, outcome, reason, repeats, content, raw, revision, conversation
)
VALUES (
    :tenant, :node, :key, :received_us, :outcome, :reason, :repeats, :content, :raw, :revision, :conversation
);

-- name: count_repeats!
-- Repeated facts.
UPDATE facts SET repeats = repeats + 1 WHERE tenant = :tenant AND node = :node AND key = :key;

-- name: put_contents!
-- Fields of facts that were read again from their bodies.
UPDATE facts SET content = :content WHERE tenant = :tenant AND node = :node AND key = :key;

-- name: put_identities!
-- New calls of linked SIDs.
INSERT INTO identities (
    tenant, node, call_sid, id
)
VALUES (
    :tenant, :node, :call_sid, :id
)
ON CONFLICT (tenant, node) DO UPDATE SET call_sid = excluded.call_sid, id = excluded.id;

-- name: put_calls!
-- New and changed calls. A new call gets the row id after the last row of its segment, which is looked up.
INSERT INTO calls (
    rowid, tenant, id, call_sid, created_us, status, direction, route, agent, provider, escalated,
    from_number, to_number, parent_call_sid, revision, updated_us, record, measured, measured_revision
)
VALUES (
    coalesce(
        (SELECT max(s.rowid) FROM calls AS s WHERE s.rowid >= :segment AND s.rowid < :segment + 2147483648), :segment
    ) + 1,
    :tenant, :id, :call_sid, :created_us, :status, :direction, :route, :agent, :provider, :escalated,
    :from_number, :to_number, :parent_call_sid, :revision, :updated_us, :record, :measured, :revision
)
ON CONFLICT (tenant, id) DO UPDATE SET
    call_sid = excluded.call_sid,
    created_us = excluded.created_us,
    status = excluded.status,
    direction = excluded.direction,
    route = excluded.route,
    agent = excluded.agent,
    provider = excluded.provider,
    escalated = excluded.escalated,
    from_number = excluded.from_number,
    to_number = excluded.to_number,
    parent_call_sid = excluded.parent_call_sid,
    revision = excluded.revision,
    updated_us = excluded.updated_us,
    record = excluded.record,
    measured = excluded.measured,
    measured_revision = excluded.measured_revision;

-- name: move_calls!
-- Calls with changes only in the status and in columns without an index.
UPDATE calls SET status = :status, revision = :revision, updated_us = :updated_us, record = :record,
    measured = :measured, measured_revision = :revision
WHERE tenant = :tenant AND id = :id;

-- name: put_parents!
-- Parents of calls that an earlier release wrote.
UPDATE calls SET parent_call_sid = :parent_call_sid WHERE tenant = :tenant AND id = :id;

-- name: drop_calls!
-- Rows of merged and erased calls.
DELETE FROM calls WHERE tenant = :tenant AND id = :id;

-- name: put_versions!
-- Old versions of changed calls, in their list columns.
INSERT INTO call_versions (
    tenant, created_us, id, valid_from, valid_to, status, direction, route, agent, provider, escalated,
    from_number, to_number, parent_call_sid, updated_us
)
VALUES (
    :tenant, :created_us, :id, :valid_from, :valid_to, :status, :direction, :route, :agent, :provider,
    :escalated, :from_number, :to_number, :parent_call_sid, :updated_us
);

-- name: put_tombstones!
-- Ids of merged and erased calls.
INSERT INTO tombstones (
    tenant, revision, id, merged_into, created_us, reason
)
VALUES (
    :tenant, :revision, :id, :merged_into, :created_us, :reason
);

-- name: keep_counts!
-- Old counters of a commit, for the history.
INSERT INTO count_history (tenant, valid_to, facet, width_s, bucket_s, revision, changes, {columns})
SELECT tenant, :revision, facet, width_s, bucket_s, revision, changes, {columns} FROM counts
WHERE tenant = :tenant AND facet = :facet AND width_s = :width_s AND bucket_s = :bucket_s;

-- name: add_counts!
-- Add a commit's differences to the counters.
INSERT INTO counts (tenant, facet, width_s, bucket_s, revision, changes, {columns})
VALUES (:tenant, :facet, :width_s, :bucket_s, :revision, 1, {values})
ON CONFLICT (tenant, facet, width_s, bucket_s) DO UPDATE SET
    revision = excluded.revision, changes = counts.changes + 1, {sums};

-- name: move_heads!
-- New ledger head of each tenant of a commit.
UPDATE ledger_heads SET revision = :revision WHERE tenant = :tenant;

-- name: put_outbox!
-- Events to deliver, with their final bytes.
INSERT INTO outbox (
    tenant, revision, event, event_id, call_id, created_us, body, direction, route, agent
)
VALUES (
    :tenant, :revision, :event, :event_id, :call_id, :created_us, :body, :direction, :route, :agent
);

-- name: facts_of_nodes_as_of
-- Facts of SIDs up to a revision.
SELECT node, key, received_us, content FROM facts WHERE tenant = :tenant AND node = :node AND revision <= :as_of;

-- name: ends_of_ids
-- Last revisions of ids that were merged, erased or expired.
SELECT revision, id FROM tombstones WHERE tenant = :tenant AND id = :id;

-- name: versions_that_ended
-- Versions of calls that ended at some revisions, with their first revision.
SELECT valid_from, valid_to FROM call_versions WHERE tenant = :tenant AND valid_to = :revision;

-- name: forget_parties!
-- Remove the numbers from versions of erased calls.
UPDATE call_versions SET from_number = NULL, to_number = NULL, parent_call_sid = '' WHERE tenant = :tenant AND valid_to = :revision;

-- name: drop_events!
-- Outbox events of erased calls.
DELETE FROM outbox WHERE tenant = :tenant AND revision = :revision;

-- name: drop_facts!
-- Facts of erased calls, with their raw bodies.
DELETE FROM facts WHERE tenant = :tenant AND node = :node;

-- name: add_erasures!
-- Increase the number of a tenant's erased calls.
UPDATE ledger_heads SET erasures = erasures + :erased WHERE tenant = :tenant;

-- name: put_texts!
-- Words of calls from a revision on. A trigger adds them to the index.
INSERT INTO call_texts (tenant, id, valid_from, words) VALUES (:tenant, :id, :valid_from, :words);

-- name: end_texts!
-- End the old words of changed calls. The same commit can insert the new words, even earlier.
UPDATE call_texts SET valid_to = :revision
WHERE tenant = :tenant AND id = :id AND valid_to IS NULL AND valid_from < :revision;

-- name: drop_texts!
-- Words of erased calls, including superseded words.
DELETE FROM call_texts WHERE tenant = :tenant AND id = :id;
