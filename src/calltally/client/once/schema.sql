-- Ledger of effects, version 1: the same SQL for SQLite (3.35 or later) and PostgreSQL.
-- Run it by `once.install(connection)` or by your own migrations. Times are microseconds since 1970, UTC.

CREATE TABLE IF NOT EXISTS calltally_once_schema (
    version INTEGER NOT NULL
);

-- One row for each effect of each final state of a call.
CREATE TABLE IF NOT EXISTS calltally_once_effects (
    tenant TEXT NOT NULL,
    call_id TEXT NOT NULL,
    effect TEXT NOT NULL,
    -- 0 for the first final state of the call received here, 1 for its first correction, and so on.
    correction INTEGER NOT NULL,
    call_sid TEXT,
    status TEXT NOT NULL,
    -- The highest revision with this state; NULL if the events had none.
    revision BIGINT,
    -- The status before this one; NULL for the first.
    corrects TEXT,
    -- same-transaction, at-least-once or at-most-once: the promise of the first claim, which never changes.
    promise TEXT NOT NULL,
    -- claimed, done, failed, uncertain or superseded.
    progress TEXT NOT NULL,
    -- Number of starts of the effect. The last one has the claim, and this number is its fencing token.
    attempts INTEGER NOT NULL,
    -- Error of the last failed attempt, or the reason of a person who settled it.
    reason TEXT,
    claimed_us BIGINT NOT NULL,
    -- NULL without a claim.
    lease_until_us BIGINT,
    done_us BIGINT,
    PRIMARY KEY (tenant, call_id, effect, correction)
);

CREATE INDEX IF NOT EXISTS calltally_once_unfinished
    ON calltally_once_effects (tenant, call_id, effect, correction)
    WHERE progress IN ('claimed', 'failed', 'uncertain');

-- Each event with a final state, once, with any outcome.
CREATE TABLE IF NOT EXISTS calltally_once_events (
    tenant TEXT NOT NULL,
    call_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    call_sid TEXT,
    status TEXT NOT NULL,
    revision BIGINT,
    -- Creation time from the sender; NULL if absent.
    told_us BIGINT,
    received_us BIGINT NOT NULL,
    PRIMARY KEY (tenant, call_id, event_id)
);
