-- name: lock_delivery_head
-- A separate statement: only later statements see the commits before the lock.
SELECT seen, due_us FROM delivery_heads WHERE tenant = :tenant FOR UPDATE;

-- name: put_deliveries!
INSERT INTO deliveries (
    tenant, endpoint, event_id, event, revision, place, call_id, state, attempts, tries, due_us, created_us,
    updated_us, body
)
SELECT tenant, endpoint, event_id, event, revision, place, call_id, 'waiting', 0, 0, due_us, created_us, due_us, body
FROM unnest(
    :tenant::text[], :endpoint::bytea[], :event_id::bytea[], :event::text[], :revision::bigint[], :place::bigint[],
    :call_id::bytea[], :due_us::bigint[], :created_us::bigint[], :body::bytea[]
) AS k (tenant, endpoint, event_id, event, revision, place, call_id, due_us, created_us, body)
ON CONFLICT (tenant, endpoint, event_id) DO NOTHING;

-- name: first_of_calls
-- First event to deliver of each call.
SELECT
    r.endpoint, r.event_id, r.event, r.revision, r.place, r.call_id, r.attempts, r.tries, r.begun_us, r.due_us,
    r.created_us, coalesce(r.body, o.body)
FROM unnest(:tenant::text[], :endpoint::bytea[], :call_id::bytea[]) AS k (tenant, endpoint, call_id)
CROSS JOIN LATERAL (
    SELECT d.* FROM deliveries AS d
    WHERE d.tenant = k.tenant AND d.endpoint = k.endpoint AND d.call_id = k.call_id AND d.state = 'waiting'
    ORDER BY d.revision, d.place LIMIT 1
) AS r
LEFT JOIN outbox AS o ON o.tenant = k.tenant AND o.revision = r.revision AND o.event = r.event;

-- name: put_attempts!
-- Attempts of deliveries that still exist and belong to this dispatch.
INSERT INTO delivery_attempts (
    tenant, endpoint, event_id, attempt, at_us, took_us, status, reason, answer, next_us
)
SELECT k.tenant, k.endpoint, k.event_id, k.attempt, k.at_us, k.took_us, k.status, k.reason, k.answer, k.next_us
FROM unnest(
    :tenant::text[], :endpoint::bytea[], :event_id::bytea[], :attempt::bigint[], :at_us::bigint[], :took_us::bigint[],
    :status::bigint[], :reason::text[], :answer::bytea[], :next_us::bigint[]
) AS k (tenant, endpoint, event_id, attempt, at_us, took_us, status, reason, answer, next_us)
JOIN deliveries AS d ON d.tenant = k.tenant AND d.endpoint = k.endpoint AND d.event_id = k.event_id
WHERE d.attempts = k.attempt - 1
ON CONFLICT (tenant, endpoint, event_id, attempt) DO NOTHING;

-- name: settle_deliveries!
UPDATE deliveries AS d SET
    state = k.state, attempts = k.attempt, tries = k.tries, begun_us = k.begun_us, due_us = k.due_us, reason = k.reason,
    updated_us = k.now_us
FROM unnest(
    :tenant::text[], :endpoint::bytea[], :event_id::bytea[], :state::text[], :attempt::bigint[], :tries::bigint[],
    :begun_us::bigint[], :due_us::bigint[], :reason::text[], :now_us::bigint[]
) AS k (tenant, endpoint, event_id, state, attempt, tries, begun_us, due_us, reason, now_us)
WHERE
    d.tenant = k.tenant AND d.endpoint = k.endpoint AND d.event_id = k.event_id AND d.state = 'waiting'
    AND d.attempts = k.attempt - 1;

-- name: drop_deliveries_of_calls!
-- Deliveries of erased calls.
DELETE FROM deliveries AS d USING unnest(:tenant::text[], :call_id::bytea[]) AS k (tenant, call_id)
WHERE d.tenant = k.tenant AND d.call_id = k.call_id;

-- name: drop_attempts_of_calls!
-- Responses can contain data of the calls too; deleted before the deliveries, by which they are found.
DELETE FROM delivery_attempts AS a USING unnest(:tenant::text[], :call_id::bytea[]) AS k (tenant, call_id), deliveries AS d
WHERE
    d.tenant = k.tenant AND d.call_id = k.call_id
    AND a.tenant = k.tenant AND a.endpoint = d.endpoint AND a.event_id = d.event_id;

-- name: move_endpoints!
-- Last revision with events queued for endpoints.
UPDATE webhook_endpoints AS e SET taken = k.taken
FROM unnest(:tenant::text[], :endpoint::bytea[], :taken::bigint[]) AS k (tenant, endpoint, taken)
WHERE e.tenant = k.tenant AND e.endpoint = k.endpoint AND e.taken < k.taken;

-- name: events_of_calls
-- Events of one kind about calls that an endpoint was sent.
SELECT d.call_id, d.event_id, d.revision, d.state, d.reason, d.updated_us, o.body
FROM unnest(:tenant::text[], :endpoint::bytea[], :call_id::bytea[], :event::text[])
    AS k (tenant, endpoint, call_id, event)
JOIN deliveries AS d ON d.tenant = k.tenant AND d.call_id = k.call_id AND d.endpoint = k.endpoint AND d.event = k.event
LEFT JOIN outbox AS o ON o.tenant = k.tenant AND o.revision = d.revision AND o.event = d.event;
