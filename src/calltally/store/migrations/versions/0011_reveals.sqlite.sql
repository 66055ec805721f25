-- Each time that somebody had the whole numbers of a call shown on its page, where the tenant masks them. Never written again.
CREATE TABLE reveals (
    tenant TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    call_id BLOB NOT NULL,
    PRIMARY KEY (tenant, at_us, key_id, call_id)
) STRICT, WITHOUT ROWID;
