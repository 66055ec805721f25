-- Answers of requests with an Idempotency-Key, for a day. `answer` is encrypted, and null until the request has ended.
CREATE TABLE kept_answers (
    tenant TEXT NOT NULL,
    name BLOB NOT NULL,
    digest BLOB,
    answer BLOB,
    created_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
