-- What pages as of an older revision need, and what ends: pruned history, erased and expired calls.

-- The head of the commit that recorded the fact: what a call was as of S is the fold of its facts up to S.
ALTER TABLE facts ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;

-- Null where the release before wrote the row: snapshots that need it answer 410.
ALTER TABLE call_versions ADD COLUMN updated_us INTEGER;
-- Each revision ends at most one version, so a call's versions are a chain from its last revision back.
CREATE UNIQUE INDEX call_versions_ended ON call_versions (tenant, valid_to);

-- merged, erased or expired.
ALTER TABLE tombstones ADD COLUMN reason TEXT NOT NULL DEFAULT 'merged';
CREATE INDEX tombstones_of_id ON tombstones (tenant, id);

-- From which revision on snapshots can be answered; and how many calls were erased, which is part of every ETag.
ALTER TABLE ledger_heads ADD COLUMN kept_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ledger_heads ADD COLUMN erasures INTEGER NOT NULL DEFAULT 0;
-- Facts from before have no revision, so history begins here.
UPDATE ledger_heads SET kept_from = revision;

-- How old a call may become; null for any age.
ALTER TABLE tenants ADD COLUMN retention_days INTEGER;
CREATE INDEX dead_letters_received ON dead_letters (tenant, received_us);

-- Snapshots that clients pinned under a name.
CREATE TABLE holds (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    pinned_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

-- Which revision was the head when: tells what is old enough to be pruned.
CREATE TABLE ledger_marks (
    tenant TEXT NOT NULL,
    marked_us INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (tenant, marked_us)
) STRICT, WITHOUT ROWID;

-- Who does a job of a tenant that only one may do at a time, and until when.
CREATE TABLE leases (
    tenant TEXT NOT NULL,
    job TEXT NOT NULL,
    holder TEXT NOT NULL,
    until_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, job)
) STRICT, WITHOUT ROWID;

-- The words of a call from one revision (included) to the next (excluded; null: still).
CREATE TABLE call_texts (
    document INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    id BLOB NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER,
    words TEXT NOT NULL,
    UNIQUE (tenant, id, valid_from)
) STRICT;
CREATE INDEX call_texts_ended ON call_texts (tenant, valid_to) WHERE valid_to IS NOT NULL;
-- Our own code cuts texts into words, alike on both databases: here they are told apart by spaces alone.
CREATE VIRTUAL TABLE call_words USING fts5(
    words, content='call_texts', content_rowid='document', detail='none', tokenize='ascii'
);
-- Words of erased calls leave the index at once, where they would stay in its pages until it is merged.
INSERT INTO call_words_config (k, v) VALUES ('secure-delete', 1);
CREATE TRIGGER call_texts_put AFTER INSERT ON call_texts
BEGIN INSERT INTO call_words (rowid, words) VALUES (new.document, new.words); END;
CREATE TRIGGER call_texts_dropped AFTER DELETE ON call_texts
BEGIN INSERT INTO call_words (call_words, rowid, words) VALUES ('delete', old.document, old.words); END;

-- The oldest release, by its schema, that runs on this one. Old nodes so go on while new ones come.
CREATE TABLE schema_support (oldest TEXT NOT NULL) STRICT;
INSERT INTO schema_support (oldest) VALUES ('0001');
