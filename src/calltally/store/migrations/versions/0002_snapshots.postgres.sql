-- What pages as of an older revision need, and what ends: pruned history, erased and expired calls.

-- First what takes long on many calls: it keeps writers out, but not readers.

-- Each revision ends at most one version, so a call's versions are a chain from its last revision back.
CREATE UNIQUE INDEX call_versions_ended ON call_versions (tenant, valid_to);
CREATE INDEX tombstones_of_id ON tombstones (tenant, id);
CREATE INDEX dead_letters_received ON dead_letters (tenant, received_us);

-- Snapshots that clients pinned under a name.
CREATE TABLE holds (
    tenant TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    pinned_us BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- Which revision was the head when: tells what is old enough to be pruned.
CREATE TABLE ledger_marks (
    tenant TEXT COLLATE "C" NOT NULL,
    marked_us BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (tenant, marked_us)
);

-- Who does a job of a tenant that only one may do at a time, and until when.
CREATE TABLE leases (
    tenant TEXT COLLATE "C" NOT NULL,
    job TEXT COLLATE "C" NOT NULL,
    holder TEXT COLLATE "C" NOT NULL,
    until_us BIGINT NOT NULL,
    PRIMARY KEY (tenant, job)
);

-- The words of a call from one revision (included) to the next (excluded; null: still).
CREATE TABLE call_texts (
    tenant TEXT COLLATE "C" NOT NULL,
    id BYTEA NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_to BIGINT,
    words TSVECTOR NOT NULL,
    PRIMARY KEY (tenant, id, valid_from)
);
CREATE INDEX call_texts_ended ON call_texts (tenant, valid_to) WHERE valid_to IS NOT NULL;
CREATE INDEX call_words ON call_texts USING gin (words);

-- From here on readers are kept out as well, for a moment: no row is rewritten.
LOCK TABLE facts, call_versions, tombstones, ledger_heads, tenants IN ACCESS EXCLUSIVE MODE;

-- The head of the commit that recorded the fact: what a call was as of S is the fold of its facts up to S.
ALTER TABLE facts ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;

-- Null where the release before wrote the row: snapshots that need it answer 410.
ALTER TABLE call_versions ADD COLUMN updated_us BIGINT;

-- merged, erased or expired.
ALTER TABLE tombstones ADD COLUMN reason TEXT COLLATE "C" NOT NULL DEFAULT 'merged';

-- From which revision on snapshots can be answered; and how many calls were erased, which is part of every ETag.
ALTER TABLE ledger_heads ADD COLUMN kept_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE ledger_heads ADD COLUMN erasures BIGINT NOT NULL DEFAULT 0;
-- Facts from before have no revision, so history begins here.
UPDATE ledger_heads SET kept_from = revision;

-- How old a call may become; null for any age.
ALTER TABLE tenants ADD COLUMN retention_days INTEGER;

-- The oldest release, by its schema, that runs on this one. Old nodes so go on while new ones come.
CREATE TABLE schema_support (oldest TEXT COLLATE "C" NOT NULL);
INSERT INTO schema_support (oldest) VALUES ('0001');
