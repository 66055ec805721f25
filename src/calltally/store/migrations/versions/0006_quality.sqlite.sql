-- The measures of calls, added up by hour and day as the calls change.

-- What of the call stands in the roll-ups, so that exactly that can be taken out; null where a release without them wrote
-- the row. Of an older revision than the call's where such a release changed it since.
ALTER TABLE calls ADD COLUMN measured BLOB;
ALTER TABLE calls ADD COLUMN measured_revision INTEGER;
CREATE INDEX calls_unmeasured ON calls (tenant, created_us) WHERE measured IS NULL;

-- grain: 1 calls of a day (UTC), 2 of an hour; 3 of an hour and 4 of a day by all keys: 1 and 2 leave the last four ''.
-- direction is 0 where nobody said it; a key that is '' is not known. `key` is a hash of all keys of the row.
-- histograms: of talk, ring and post-dial delay, none by the day. erased: what of the row is of calls that were erased
-- (grain 3 alone), and erased_calls how many those are; they are in the other columns too.
CREATE TABLE quality (
    tenant TEXT NOT NULL,
    grain INTEGER NOT NULL,
    bucket_s INTEGER NOT NULL,
    key BLOB NOT NULL,
    direction INTEGER NOT NULL,
    route TEXT NOT NULL, provider TEXT NOT NULL,
    agent TEXT NOT NULL, provider_account TEXT NOT NULL, end_reason TEXT NOT NULL, country TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, completed INTEGER NOT NULL DEFAULT 0, busy INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0, no_answer INTEGER NOT NULL DEFAULT 0, canceled INTEGER NOT NULL DEFAULT 0,
    answered INTEGER NOT NULL DEFAULT 0, machine_answered INTEGER NOT NULL DEFAULT 0, transferred INTEGER NOT NULL DEFAULT 0,
    transfers_requested INTEGER NOT NULL DEFAULT 0, transfers_failed INTEGER NOT NULL DEFAULT 0, escalated INTEGER NOT NULL DEFAULT 0,
    long_calls INTEGER NOT NULL DEFAULT 0, contained INTEGER NOT NULL DEFAULT 0, short_calls INTEGER NOT NULL DEFAULT 0,
    provider_failed INTEGER NOT NULL DEFAULT 0, rejected INTEGER NOT NULL DEFAULT 0, rang INTEGER NOT NULL DEFAULT 0,
    alerted INTEGER NOT NULL DEFAULT 0, talk_seconds INTEGER NOT NULL DEFAULT 0, ring_seconds INTEGER NOT NULL DEFAULT 0,
    pdd_ms INTEGER NOT NULL DEFAULT 0, erased_calls INTEGER NOT NULL DEFAULT 0,
    histograms BLOB,
    erased BLOB,
    PRIMARY KEY (tenant, grain, bucket_s, key)
) STRICT, WITHOUT ROWID;

-- Nodes of the release before go on: what they write is measured by `calltally migrate`.
UPDATE schema_support SET oldest = '0003';
