-- name: lock_heads
-- Revision of each tenant of a commit, locked in the order of their names, so that no two commits wait for each other.
SELECT tenant, revision, epoch FROM ledger_heads WHERE tenant = ANY(:tenant::text[]) ORDER BY tenant FOR UPDATE;

-- name: meta_wait_briefly!
-- Wait for the locks of this transaction only as long as another commit takes.
SET LOCAL lock_timeout = '500ms';

-- name: meta_end_silent_writers
-- End the connections of nodes that have kept the server waiting within a write transaction, for example in the middle
-- of a batch, where the server itself has no timeout. pg_stat_activity shows the waits of the same role.
SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND application_name = current_setting('application_name')
    AND backend_xid IS NOT NULL AND wait_event IN ('ClientRead', 'ClientWrite')
    AND state_change < clock_timestamp() - make_interval(secs => :seconds::double precision);

-- name: identities_of_nodes
-- Calls of linked SIDs.
SELECT t.tenant, t.node, t.call_sid, t.id
FROM unnest(:tenant::text[], :node::bytea[]) AS k (tenant, node)
JOIN identities AS t ON t.tenant = k.tenant AND t.node = k.node;

-- name: identities_of_calls
-- All SIDs of calls with several SIDs.
SELECT t.tenant, t.node, t.call_sid, t.id
FROM unnest(:tenant::text[], :id::bytea[]) AS k (tenant, id)
JOIN identities AS t ON t.tenant = k.tenant AND t.id = k.id;

-- name: facts_of_nodes
-- Data of each fact that the fold needs.
SELECT t.tenant, t.node, t.key, t.received_us, t.content
FROM unnest(:tenant::text[], :node::bytea[]) AS k (tenant, node)
JOIN facts AS t ON t.tenant = k.tenant AND t.node = k.node;

-- name: keys_of_nodes
-- Keys of facts, without their content.
SELECT t.node, t.key
FROM unnest(:tenant::text[], :node::bytea[]) AS k (tenant, node)
JOIN facts AS t ON t.tenant = k.tenant AND t.node = k.node;

-- name: calls_of_ids
-- Current rows of calls.
SELECT t.tenant, t.id, t.created_us, t.status, t.direction, t.route, t.agent, t.provider, t.escalated, t.from_number, t.to_number, t.parent_call_sid, t.revision, t.updated_us, t.record, t.measured
FROM unnest(:tenant::text[], :id::bytea[]) AS k (tenant, id)
JOIN calls AS t ON t.tenant = k.tenant AND t.id = k.id;

-- name: put_facts!
-- New facts.
INSERT INTO facts (
    tenant, node, key, received_us, outcome, reason, repeats, content, raw, revision, conversation
)
SELECT * FROM unnest(
    :tenant::text[], :node::bytea[], :key::bytea[], :received_us::bigint[], :outcome::text[],
    :reason::text[], :repeats::integer[], :content::bytea[], :raw::bytea[], :revision::bigint[],
    :conversation::bytea[]
);

-- name: count_repeats!
-- Repeated facts, each as often as it occurs in the arrays.
UPDATE facts AS t SET repeats = t.repeats + k.times
FROM (
    SELECT tenant, node, key, count(*)::integer AS times
    FROM unnest(:tenant::text[], :node::bytea[], :key::bytea[]) AS u (tenant, node, key)
    GROUP BY tenant, node, key
) AS k
WHERE t.tenant = k.tenant AND t.node = k.node AND t.key = k.key;

-- name: put_contents!
-- Fields of facts that were read again from their bodies.
UPDATE facts AS t SET content = k.content
FROM unnest(:tenant::text[], :node::bytea[], :key::bytea[], :content::bytea[]) AS k (tenant, node, key, content)
WHERE t.tenant = k.tenant AND t.node = k.node AND t.key = k.key;

-- name: put_identities!
-- New calls of linked SIDs.
INSERT INTO identities (
    tenant, node, call_sid, id
)
SELECT * FROM unnest(
    :tenant::text[], :node::bytea[], :call_sid::text[], :id::bytea[]
)
ON CONFLICT (tenant, node) DO UPDATE SET call_sid = excluded.call_sid, id = excluded.id;

-- name: put_calls!
-- New and changed calls.
INSERT INTO calls (
    tenant, id, call_sid, created_us, status, direction, route, agent, provider, escalated,
    from_number, to_number, parent_call_sid, revision, updated_us, record, measured, measured_revision
)
SELECT * FROM unnest(
    :tenant::text[], :id::bytea[], :call_sid::text[], :created_us::bigint[], :status::smallint[],
    :direction::smallint[], :route::text[], :agent::text[], :provider::text[], :escalated::smallint[],
    :from_number::text[], :to_number::text[], :parent_call_sid::text[], :revision::bigint[], :updated_us::bigint[],
    :record::bytea[], :measured::bytea[], :revision::bigint[]
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
UPDATE calls AS t SET status = k.status, revision = k.revision, updated_us = k.updated_us, record = k.record,
    measured = k.measured, measured_revision = k.revision
FROM unnest(
    :tenant::text[], :id::bytea[], :status::smallint[], :revision::bigint[], :updated_us::bigint[], :record::bytea[],
    :measured::bytea[]
) AS k (tenant, id, status, revision, updated_us, record, measured)
WHERE t.tenant = k.tenant AND t.id = k.id;

-- name: put_parents!
-- Parents of calls that an earlier release wrote.
UPDATE calls AS t SET parent_call_sid = k.parent_call_sid
FROM unnest(:tenant::text[], :id::bytea[], :parent_call_sid::text[]) AS k (tenant, id, parent_call_sid)
WHERE t.tenant = k.tenant AND t.id = k.id;

-- name: drop_calls!
-- Rows of merged and erased calls.
DELETE FROM calls AS t USING unnest(:tenant::text[], :id::bytea[]) AS k (tenant, id)
WHERE t.tenant = k.tenant AND t.id = k.id;

-- name: put_versions!
-- Old versions of changed calls, in their list columns.
INSERT INTO call_versions (
    tenant, created_us, id, valid_from, valid_to, status, direction, route, agent, provider, escalated,
    from_number, to_number, parent_call_sid, updated_us
)
SELECT * FROM unnest(
    :tenant::text[], :created_us::bigint[], :id::bytea[], :valid_from::bigint[], :valid_to::bigint[],
    :status::smallint[], :direction::smallint[], :route::text[], :agent::text[], :provider::text[],
    :escalated::smallint[], :from_number::text[], :to_number::text[], :parent_call_sid::text[], :updated_us::bigint[]
);

-- name: put_tombstones!
-- Ids of merged and erased calls.
INSERT INTO tombstones (
    tenant, revision, id, merged_into, created_us, reason
)
SELECT * FROM unnest(
    :tenant::text[], :revision::bigint[], :id::bytea[], :merged_into::bytea[], :created_us::bigint[], :reason::text[]
);

-- name: keep_counts!
-- Old counters of a commit, for the history.
INSERT INTO count_history (tenant, valid_to, facet, width_s, bucket_s, revision, changes, {columns})
SELECT t.tenant, k.valid_to, t.facet, t.width_s, t.bucket_s, t.revision, t.changes, {columns}
FROM unnest(:tenant::text[], :facet::text[], :width_s::bigint[], :bucket_s::bigint[], :revision::bigint[])
    AS k (tenant, facet, width_s, bucket_s, valid_to)
JOIN counts AS t ON t.tenant = k.tenant AND t.facet = k.facet AND t.width_s = k.width_s AND t.bucket_s = k.bucket_s;

-- name: add_counts!
-- Add a commit's differences to the counters.
INSERT INTO counts (tenant, facet, width_s, bucket_s, revision, changes, {columns})
SELECT tenant, facet, width_s, bucket_s, revision, 1, {columns}
FROM unnest(
    :tenant::text[], :facet::text[], :width_s::bigint[], :bucket_s::bigint[], :revision::bigint[], {arrays}
) AS k (tenant, facet, width_s, bucket_s, revision, {columns})
ON CONFLICT (tenant, facet, width_s, bucket_s) DO UPDATE SET
    revision = excluded.revision, changes = counts.changes + 1, {sums};

-- name: move_heads!
-- New ledger head of each tenant of a commit.
UPDATE ledger_heads AS t SET revision = k.revision
FROM unnest(:tenant::text[], :revision::bigint[]) AS k (tenant, revision) WHERE t.tenant = k.tenant;

-- name: put_outbox!
-- Events to deliver, with their final bytes.
INSERT INTO outbox (
    tenant, revision, event, event_id, call_id, created_us, body, direction, route, agent
)
SELECT * FROM unnest(
    :tenant::text[], :revision::bigint[], :event::text[], :event_id::bytea[], :call_id::bytea[],
    :created_us::bigint[], :body::bytea[], :direction::text[], :route::text[], :agent::text[]
);

-- name: facts_of_nodes_as_of
-- Facts of SIDs up to a revision.
SELECT t.node, t.key, t.received_us, t.content
FROM unnest(:tenant::text[], :node::bytea[], :as_of::bigint[]) AS k (tenant, node, as_of)
JOIN facts AS t ON t.tenant = k.tenant AND t.node = k.node AND t.revision <= k.as_of;

-- name: ends_of_ids
-- Last revisions of ids that were merged, erased or expired.
SELECT t.revision, t.id FROM unnest(:tenant::text[], :id::bytea[]) AS k (tenant, id)
JOIN tombstones AS t ON t.tenant = k.tenant AND t.id = k.id;

-- name: versions_that_ended
-- Versions of calls that ended at some revisions, with their first revision.
SELECT t.valid_from, t.valid_to FROM unnest(:tenant::text[], :revision::bigint[]) AS k (tenant, revision)
JOIN call_versions AS t ON t.tenant = k.tenant AND t.valid_to = k.revision;

-- name: forget_parties!
-- Remove the numbers from versions of erased calls.
UPDATE call_versions AS t SET from_number = NULL, to_number = NULL, parent_call_sid = ''
FROM unnest(:tenant::text[], :revision::bigint[]) AS k (tenant, revision)
WHERE t.tenant = k.tenant AND t.valid_to = k.revision;

-- name: drop_events!
-- Outbox events of erased calls.
DELETE FROM outbox AS t USING unnest(:tenant::text[], :revision::bigint[]) AS k (tenant, revision)
WHERE t.tenant = k.tenant AND t.revision = k.revision;

-- name: drop_facts!
-- Facts of erased calls, with their raw bodies.
DELETE FROM facts AS t USING unnest(:tenant::text[], :node::bytea[]) AS k (tenant, node)
WHERE t.tenant = k.tenant AND t.node = k.node;

-- name: add_erasures!
-- Increase the number of a tenant's erased calls.
UPDATE ledger_heads AS t SET erasures = t.erasures + k.erased
FROM unnest(:tenant::text[], :erased::bigint[]) AS k (tenant, erased) WHERE t.tenant = k.tenant;

-- name: put_texts!
-- Words of calls from a revision on.
INSERT INTO call_texts (tenant, id, valid_from, words)
SELECT tenant, id, valid_from, array_to_tsvector(string_to_array(words, ' '))
FROM unnest(:tenant::text[], :id::bytea[], :valid_from::bigint[], :words::text[]) AS k (tenant, id, valid_from, words);

-- name: end_texts!
-- End the old words of changed calls. The same commit can insert the new words, even earlier.
UPDATE call_texts AS t SET valid_to = k.revision
FROM unnest(:tenant::text[], :id::bytea[], :revision::bigint[]) AS k (tenant, id, revision)
WHERE t.tenant = k.tenant AND t.id = k.id AND t.valid_to IS NULL AND t.valid_from < k.revision;

-- name: drop_texts!
-- Words of erased calls, including superseded words.
DELETE FROM call_texts AS t USING unnest(:tenant::text[], :id::bytea[]) AS k (tenant, id)
WHERE t.tenant = k.tenant AND t.id = k.id;
