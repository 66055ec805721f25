-- name: events_after
-- Events of a ledger after a revision, without their bytes.
SELECT revision, event, event_id, call_id, created_us, direction, route, agent FROM outbox
WHERE tenant = :tenant AND revision > :after
ORDER BY revision, event LIMIT :most;

-- name: due_deliveries
-- Due deliveries that wait for no earlier event of their call.
SELECT
    d.endpoint, d.event_id, d.event, d.revision, d.place, d.call_id, d.attempts, d.tries, d.begun_us, d.due_us,
    d.created_us, coalesce(d.body, o.body)
FROM deliveries AS d
LEFT JOIN outbox AS o ON o.tenant = :tenant AND o.revision = d.revision AND o.event = d.event
WHERE
    d.tenant = :tenant AND d.endpoint = :endpoint AND d.state = 'waiting' AND d.due_us <= :now_us
    AND NOT EXISTS (
        SELECT 1 FROM deliveries AS e
        WHERE
            e.tenant = :tenant AND e.endpoint = :endpoint AND e.call_id = d.call_id AND e.state = 'waiting'
            AND (e.revision, e.place) < (d.revision, d.place)
    )
ORDER BY d.due_us LIMIT :most;

-- name: next_due
-- Time of the next future attempt of an endpoint.
SELECT due_us FROM deliveries
WHERE tenant = :tenant AND endpoint = :endpoint AND state = 'waiting' AND due_us > :now_us
ORDER BY due_us LIMIT 1;

-- name: delivery_of_id
SELECT event_id, event, revision, call_id, state, attempts, due_us, reason, created_us, updated_us
FROM deliveries WHERE tenant = :tenant AND endpoint = :endpoint AND event_id = :event_id;

-- name: deliveries_before
-- Page of an endpoint's deliveries, newest first.
SELECT event_id, event, revision, call_id, state, attempts, due_us, reason, created_us, updated_us
FROM deliveries
WHERE tenant = :tenant AND endpoint = :endpoint AND event_id < :before AND event_id >= :since {filters}
ORDER BY event_id DESC LIMIT :most;

-- name: deliveries_of_call
SELECT endpoint, event_id, event, revision, call_id, state, attempts, due_us, reason, created_us, updated_us
FROM deliveries WHERE tenant = :tenant AND call_id = :call_id ORDER BY revision, place, endpoint LIMIT :most;

-- name: attempts_of_delivery
SELECT attempt, at_us, took_us, status, reason, answer, next_us
FROM delivery_attempts WHERE tenant = :tenant AND endpoint = :endpoint AND event_id = :event_id ORDER BY attempt;

-- name: deliveries_to_replay
-- Next deliveries of a window in order of time, without waiting ones.
SELECT event_id FROM deliveries
WHERE
    tenant = :tenant AND endpoint = :endpoint AND event_id > :after AND event_id < :before AND state <> 'waiting'
    {filters}
ORDER BY event_id LIMIT :most;

-- name: replay_deliveries!
-- Restart the deliveries between two ids. Their earlier attempts stay.
UPDATE deliveries SET state = 'waiting', tries = 0, begun_us = NULL, due_us = :now_us, updated_us = :now_us
WHERE
    tenant = :tenant AND endpoint = :endpoint AND event_id >= :first AND event_id <= :last AND state <> 'waiting'
    {filters};

-- name: release_deliveries!
-- Make deliveries that wait for their next attempt due at once.
UPDATE deliveries SET tries = 0, begun_us = NULL, due_us = :now_us
WHERE tenant = :tenant AND endpoint = :endpoint AND state = 'waiting';

-- name: old_deliveries
-- Oldest deliveries of an endpoint before an id.
SELECT event_id FROM deliveries
WHERE tenant = :tenant AND endpoint = :endpoint AND event_id < :before ORDER BY event_id LIMIT :most;

-- name: prune_attempts!
DELETE FROM delivery_attempts WHERE tenant = :tenant AND endpoint = :endpoint AND event_id <= :last;

-- name: prune_deliveries!
DELETE FROM deliveries WHERE tenant = :tenant AND endpoint = :endpoint AND event_id <= :last;

-- name: old_events
-- Revisions and times of the oldest events.
SELECT revision, created_us FROM outbox WHERE tenant = :tenant ORDER BY revision LIMIT :most;

-- name: prune_events!
DELETE FROM outbox WHERE tenant = :tenant AND revision <= :last;

-- name: add_event!
-- Event of a call's current state, unless it exists.
INSERT INTO outbox (tenant, revision, event, event_id, call_id, created_us, body, direction, route, agent)
VALUES (:tenant, :revision, :event, :event_id, :call_id, :created_us, :body, :direction, :route, :agent)
ON CONFLICT (tenant, revision, event) DO NOTHING;
