-- Each time that somebody had the whole numbers of a call shown on its page, where the tenant masks them. Never written again.
CREATE TABLE reveals (
    tenant TEXT COLLATE "C" NOT NULL,
    at_us BIGINT NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL,
    call_id BYTEA NOT NULL,
    PRIMARY KEY (tenant, at_us, key_id, call_id)
);
