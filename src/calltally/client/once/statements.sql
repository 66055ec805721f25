-- Statements of the ledger of effects, in the common SQL of SQLite and PostgreSQL. Placeholders cover the
-- differences: {now} is the time, {lease} the end of a lease that starts now, {row_lock} locks a row until the
-- transaction ends.

-- name: meta_lock_schema
-- Two concurrent installations would both find no tables. On SQLite the transaction alone prevents this.
SELECT pg_advisory_xact_lock(hashtext('calltally_once'));

-- name: meta_read_version
SELECT version FROM calltally_once_schema;

-- name: meta_write_version
INSERT INTO calltally_once_schema (version) VALUES (:version);

-- name: record_event
INSERT INTO calltally_once_events
    (tenant, call_id, event_id, call_sid, status, revision, told_us, received_us)
VALUES (:tenant, :call_id, :event_id, :call_sid, :status, :revision, :told_us, {now})
ON CONFLICT DO NOTHING;

-- name: insert_effect
INSERT INTO calltally_once_effects
    (tenant, call_id, effect, correction, call_sid, status, revision, corrects, promise, progress, attempts,
     claimed_us, lease_until_us, done_us)
VALUES (:tenant, :call_id, :effect, :correction, :call_sid, :status, :revision, :corrects, :promise,
        CAST(:progress AS TEXT), 1, {now}, {lease}, CASE WHEN CAST(:progress AS TEXT) = 'done' THEN {now} END)
ON CONFLICT DO NOTHING
RETURNING correction;

-- name: lock_call
-- The first row of a call is the lock for all its rows. It is a separate statement, because a statement that
-- waits for a lock does not see rows inserted while it waited.
SELECT correction FROM calltally_once_effects
WHERE tenant = :tenant AND call_id = :call_id AND effect = :effect AND correction = 0 {row_lock};

-- name: read_effect_states
SELECT correction, status, revision, promise, progress, attempts, coalesce(lease_until_us <= {now}, FALSE)
FROM calltally_once_effects
WHERE tenant = :tenant AND call_id = :call_id AND effect = :effect
ORDER BY correction {row_lock};

-- name: reclaim_effect
UPDATE calltally_once_effects
SET progress = 'claimed', attempts = attempts + 1, claimed_us = {now}, lease_until_us = {lease}
WHERE tenant = :tenant AND call_id = :call_id AND effect = :effect AND correction = :correction;

-- name: close_effect
UPDATE calltally_once_effects SET progress = :progress, lease_until_us = NULL
WHERE tenant = :tenant AND call_id = :call_id AND effect = :effect AND correction = :correction;

-- name: raise_revision
UPDATE calltally_once_effects SET revision = :revision
WHERE tenant = :tenant AND call_id = :call_id AND effect = :effect AND correction = :correction;

-- name: finish_effect
-- An effect that was marked uncertain meanwhile becomes done too: no other process has run it since.
UPDATE calltally_once_effects SET progress = 'done', done_us = {now}, lease_until_us = NULL
WHERE tenant = :tenant AND call_id = :call_id AND effect = :effect AND correction = :correction
  AND attempts = :attempt AND progress IN ('claimed', 'uncertain')
RETURNING correction;

-- name: fail_effect
UPDATE calltally_once_effects SET progress = :progress, reason = :reason, lease_until_us = NULL
WHERE tenant = :tenant AND call_id = :call_id AND effect = :effect AND correction = :correction
  AND attempts = :attempt AND progress IN ('claimed', 'uncertain');

-- name: extend_lease
UPDATE calltally_once_effects SET lease_until_us = {lease}
WHERE tenant = :tenant AND call_id = :call_id AND effect = :effect AND correction = :correction
  AND attempts = :attempt AND progress = 'claimed'
RETURNING correction;

-- name: settle_effect
UPDATE calltally_once_effects
SET progress = CAST(:progress AS TEXT), reason = :reason, lease_until_us = NULL,
    done_us = CASE WHEN CAST(:progress AS TEXT) = 'done' THEN {now} END
WHERE tenant = :tenant AND call_id = :call_id AND effect = :effect AND correction = :correction;

-- name: list_entries
SELECT tenant, call_id, effect, correction, call_sid, status, revision, corrects, promise, progress, attempts,
       reason, claimed_us, lease_until_us, done_us, coalesce(lease_until_us <= {now}, FALSE)
FROM calltally_once_effects
WHERE (tenant, call_id, effect, correction) > (:tenant, :call_id, :effect, :correction)
  AND (CAST(:only_tenant AS TEXT) IS NULL OR tenant = CAST(:only_tenant AS TEXT))
ORDER BY tenant, call_id, effect, correction
LIMIT :rows;

-- name: list_unfinished
SELECT tenant, call_id, effect, correction, call_sid, status, revision, corrects, promise, progress, attempts,
       reason, claimed_us, lease_until_us, done_us, coalesce(lease_until_us <= {now}, FALSE)
FROM calltally_once_effects
WHERE progress IN ('claimed', 'failed', 'uncertain') AND (progress <> 'claimed' OR lease_until_us <= {now})
  AND (tenant, call_id, effect, correction) > (:tenant, :call_id, :effect, :correction)
  AND (CAST(:only_tenant AS TEXT) IS NULL OR tenant = CAST(:only_tenant AS TEXT))
ORDER BY tenant, call_id, effect, correction
LIMIT :rows;

-- name: list_event_ids
SELECT tenant, call_id, status, event_id FROM calltally_once_events
WHERE (tenant, call_id) >= (:tenant, :call_id) AND (tenant, call_id) <= (:last_tenant, :last_call_id)
ORDER BY received_us, event_id;

-- name: list_events
SELECT tenant, call_id, event_id, call_sid, status, revision, told_us, received_us
FROM calltally_once_events
WHERE (tenant, call_id, event_id) > (:tenant, :call_id, :event_id)
  AND (CAST(:only_tenant AS TEXT) IS NULL OR tenant = CAST(:only_tenant AS TEXT))
ORDER BY tenant, call_id, event_id
LIMIT :rows;
