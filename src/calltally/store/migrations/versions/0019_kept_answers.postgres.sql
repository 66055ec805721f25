-- Answers of requests with an Idempotency-Key, for a day. `answer` is encrypted, and null until the request has ended.
CREATE TABLE kept_answers (
    tenant TEXT COLLATE "C" NOT NULL,
    name BYTEA NOT NULL,
    digest BYTEA,
    answer BYTEA,
    created_us BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
