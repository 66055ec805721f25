-- name: lock_delivery_head
-- The transaction is already exclusive.
SELECT seen, due_us FROM delivery_heads WHERE tenant = :tenant;

-- name: put_deliveries!
INSERT INTO deliveries (
    tenant, endpoint, event_id, event, revision, place, call_id, state, attempts, tries, due_us, created_us,
    updated_us, body
)
VALUES (
    :tenant, :endpoint, :event_id, :event, :revision, :place, :call_id, 'waiting', 0, 0, :due_us, :created_us,
    :due_us, :body
)
ON CONFLICT (tenant, endpoint, event_id) DO NOTHING;

-- name: first_of_calls
-- First event to deliver of each call.
SELECT
    d.endpoint, d.event_id, d.event, d.revision, d.place, d.call_id, d.attempts, d.tries, d.begun_us, d.due_us,
    d.created_us, coalesce(d.body, o.body)
FROM deliveries AS d
LEFT JOIN outbox AS o ON o.tenant = :tenant AND o.revision = d.revision AND o.event = d.event
WHERE d.tenant = :tenant AND d.endpoint = :endpoint AND d.call_id = :call_id AND d.state = 'waiting'
ORDER BY d.revision, d.place LIMIT 1;

-- name: put_attempts!
-- Attempt of a delivery that still exists and belongs to this dispatch.
INSERT INTO delivery_attempts (
    tenant, endpoint, event_id, attempt, at_us, took_us, status, reason, answer, next_us
)
SELECT :tenant, :endpoint, :event_id, :attempt, :at_us, :took_us, :status, :reason, :answer, :next_us
WHERE EXISTS (
    SELECT 1 FROM deliveries AS d
    WHERE d.tenant = :tenant AND d.endpoint = :endpoint AND d.event_id = :event_id AND d.attempts = :attempt - 1
)
ON CONFLICT (tenant, endpoint, event_id, attempt) DO NOTHING;

-- name: settle_deliveries!
UPDATE deliveries SET
    state = :state, attempts = :attempt, tries = :tries, begun_us = :begun_us, due_us = :due_us, reason = :reason,
    updated_us = :now_us
WHERE
    tenant = :tenant AND endpoint = :endpoint AND event_id = :event_id AND state = 'waiting'
    AND attempts = :attempt - 1;

-- name: drop_deliveries_of_calls!
-- Deliveries of erased calls. Responses can contain data of the calls too, and are deleted first.
DELETE FROM deliveries WHERE tenant = :tenant AND call_id = :call_id;

-- name: drop_attempts_of_calls!
DELETE FROM delivery_attempts WHERE tenant = :tenant AND (endpoint, event_id) IN (
    SELECT d.endpoint, d.event_id FROM deliveries AS d WHERE d.tenant = :tenant AND d.call_id = :call_id
);

-- name: move_endpoints!
-- Last revision with events queued for endpoints.
UPDATE webhook_endpoints SET taken = :taken WHERE tenant = :tenant AND endpoint = :endpoint AND taken < :taken;

-- name: events_of_calls
-- Events of one kind about calls that an endpoint was sent.
SELECT d.call_id, d.event_id, d.revision, d.state, d.reason, d.updated_us, o.body
FROM deliveries AS d
LEFT JOIN outbox AS o ON o.tenant = :tenant AND o.revision = d.revision AND o.event = d.event
WHERE d.tenant = :tenant AND d.call_id = :call_id AND d.endpoint = :endpoint AND d.event = :event;
