-- The measures of calls, added up by hour and day as the calls change.

-- What of the call stands in the roll-ups, so that exactly that can be taken out; null where a release without them wrote
-- the row. Of an older revision than the call's where such a release changed it since.
LOCK TABLE calls, ledger_heads IN ACCESS EXCLUSIVE MODE;
ALTER TABLE calls ADD COLUMN measured BYTEA;
ALTER TABLE calls ADD COLUMN measured_revision BIGINT;
CREATE INDEX calls_unmeasured ON calls (tenant, created_us) WHERE measured IS NULL;

-- grain: 1 calls of a day (UTC), 2 of an hour; 3 of an hour and 4 of a day by all keys: 1 and 2 leave the last four ''.
-- direction is 0 where nobody said it; a key that is '' is not known. `key` is a hash of all keys of the row.
-- histograms: of talk, ring and post-dial delay, none by the day. erased: what of the row is of calls that were erased
-- (grain 3 alone), and erased_calls how many those are; they are in the other columns too.
CREATE TABLE quality (
    tenant TEXT COLLATE "C" NOT NULL,
    grain SMALLINT NOT NULL,
    bucket_s BIGINT NOT NULL,
    key BYTEA NOT NULL,
    direction SMALLINT NOT NULL,
    route TEXT COLLATE "C" NOT NULL, provider TEXT COLLATE "C" NOT NULL,
    agent TEXT COLLATE "C" NOT NULL, provider_account TEXT COLLATE "C" NOT NULL, end_reason TEXT COLLATE "C" NOT NULL, country TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0, completed BIGINT NOT NULL DEFAULT 0, busy BIGINT NOT NULL DEFAULT 0,
    failed BIGINT NOT NULL DEFAULT 0, no_answer BIGINT NOT NULL DEFAULT 0, canceled BIGINT NOT NULL DEFAULT 0,
    answered BIGINT NOT NULL DEFAULT 0, machine_answered BIGINT NOT NULL DEFAULT 0, transferred BIGINT NOT NULL DEFAULT 0,
    transfers_requested BIGINT NOT NULL DEFAULT 0, transfers_failed BIGINT NOT NULL DEFAULT 0, escalated BIGINT NOT NULL DEFAULT 0,
    long_calls BIGINT NOT NULL DEFAULT 0, contained BIGINT NOT NULL DEFAULT 0, short_calls BIGINT NOT NULL DEFAULT 0,
    provider_failed BIGINT NOT NULL DEFAULT 0, rejected BIGINT NOT NULL DEFAULT 0, rang BIGINT NOT NULL DEFAULT 0,
    alerted BIGINT NOT NULL DEFAULT 0, talk_seconds BIGINT NOT NULL DEFAULT 0, ring_seconds BIGINT NOT NULL DEFAULT 0,
    pdd_ms BIGINT NOT NULL DEFAULT 0, erased_calls BIGINT NOT NULL DEFAULT 0,
    histograms BYTEA,
    erased BYTEA,
    PRIMARY KEY (tenant, grain, bucket_s, key)
);
-- Rows of now are written again and again: in the room that is left no index has to be.
ALTER TABLE quality SET (fillfactor = 70);

-- Nodes of the release before go on: what they write is measured by `calltally migrate`.
UPDATE schema_support SET oldest = '0003';
