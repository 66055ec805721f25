-- The ledger of effects, version 1: the same words for SQLite (3.35 or later) and PostgreSQL.
-- `once.install(connection)` runs this; so may your own migrations. Times are microseconds since 1970, UTC.

CREATE TABLE IF NOT EXISTS calltally_once_schema (
    version INTEGER NOT NULL
);

-- One row for each effect of each final state of a call.
CREATE TABLE IF NOT EXISTS calltally_once_effects (
    tenant TEXT NOT NULL,
    call_id TEXT NOT NULL,
    effect TEXT NOT NULL,
    -- 0 for the first final state of the call that was told here, 1 for the first that corrects it, and so
    -- on.
    correction INTEGER NOT NULL,
    call_sid TEXT,
    status TEXT NOT NULL,
    -- The highest revision that told this state; NULL where none was told.
    revision BIGINT,
    -- The status that was in force here before; NULL for the first.
    corrects TEXT,
    -- same-transaction, at-least-once or at-most-once: the promise of the first claim, which holds for good.
    promise TEXT NOT NULL,
    -- claimed, done, failed, uncertain or superseded.
    progress TEXT NOT NULL,
    -- How many times the effect was begun. The last of them holds the claim: the number is its fencing token.
    attempts INTEGER NOT NULL,
    -- What the last attempt that failed said, or why somebody settled it.
    reason TEXT,
    claimed_us BIGINT NOT NULL,
    -- NULL where nobody holds it.
    lease_until_us BIGINT,
    done_us BIGINT,
    PRIMARY KEY (tenant, call_id, effect, correction)
);

CREATE INDEX IF NOT EXISTS calltally_once_unfinished
    ON calltally_once_effects (tenant, call_id, effect, correction)
    WHERE progress IN ('claimed', 'failed', 'uncertain');

-- Each event that told a final state, once, whatever became of it.
CREATE TABLE IF NOT EXISTS calltally_once_events (
    tenant TEXT NOT NULL,
    call_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    call_sid TEXT,
    status TEXT NOT NULL,
    revision BIGINT,
    -- When its sender made it; NULL where it did not say.
    told_us BIGINT,
    received_us BIGINT NOT NULL,
    PRIMARY KEY (tenant, call_id, event_id)
);
