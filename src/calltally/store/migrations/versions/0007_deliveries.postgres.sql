-- Deliveries: where events go, what became of each, and every attempt.

-- What an endpoint's filters are held against; the body has more, but frozen.
ALTER TABLE outbox ADD COLUMN direction TEXT COLLATE "C";
ALTER TABLE outbox ADD COLUMN route TEXT COLLATE "C";
ALTER TABLE outbox ADD COLUMN agent TEXT COLLATE "C";

-- form: standard or cloudevents. events: names separated by spaces, '' for all. direction, route, agent: filters, null for any.
-- sealed, previous: the secret, and the one before it while that is still signed with (until previous_until_us).
-- state: active, paused or deleted; reason: why it is paused. failing_since_us: the first failure since the last success.
-- taken: up to which revision of the ledger its events have been taken in, as rows of deliveries.
CREATE TABLE webhook_endpoints (
    tenant TEXT COLLATE "C" NOT NULL,
    endpoint BYTEA NOT NULL,
    url TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C",
    form TEXT COLLATE "C" NOT NULL,
    events TEXT COLLATE "C" NOT NULL,
    direction TEXT COLLATE "C",
    route TEXT COLLATE "C",
    agent TEXT COLLATE "C",
    sealed BYTEA NOT NULL,
    previous BYTEA,
    previous_until_us BIGINT,
    state TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C",
    failing_since_us BIGINT,
    taken BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    PRIMARY KEY (tenant, endpoint)
);

-- A tenant that has endpoints: up to which revision somebody looked, and from when on somebody has to look again.
-- Whoever changes what is to be delivered locks this row first.
CREATE TABLE delivery_heads (
    tenant TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seen BIGINT NOT NULL,
    due_us BIGINT NOT NULL
);

-- What becomes of one event at one endpoint. state: waiting, delivered or dead. revision and place: its order among the
-- events of its call. attempts: how many there were, ever; tries: since it was (re)begun at begun_us. due_us: when it is
-- to be tried. reason: what came of the last attempt. body: its bytes where they are not in the outbox.
-- An id begins with its time, so keys are in the order of time.
CREATE TABLE deliveries (
    tenant TEXT COLLATE "C" NOT NULL,
    endpoint BYTEA NOT NULL,
    event_id BYTEA NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    place BIGINT NOT NULL,
    call_id BYTEA NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    begun_us BIGINT,
    due_us BIGINT NOT NULL,
    reason TEXT COLLATE "C",
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    body BYTEA,
    PRIMARY KEY (tenant, endpoint, event_id)
);
CREATE INDEX deliveries_due ON deliveries (tenant, endpoint, due_us) WHERE state = 'waiting';
CREATE INDEX deliveries_open ON deliveries (tenant, endpoint, call_id, revision, place) WHERE state = 'waiting';
CREATE INDEX deliveries_dead ON deliveries (tenant, endpoint, event_id) WHERE state = 'dead';
CREATE INDEX deliveries_of_call ON deliveries (tenant, call_id);

-- status: of the answer, null where none came; reason: why none came, or what was wrong with it. answer: its first KiB.
CREATE TABLE delivery_attempts (
    tenant TEXT COLLATE "C" NOT NULL,
    endpoint BYTEA NOT NULL,
    event_id BYTEA NOT NULL,
    attempt BIGINT NOT NULL,
    at_us BIGINT NOT NULL,
    took_us BIGINT NOT NULL,
    status BIGINT,
    reason TEXT COLLATE "C",
    answer BYTEA NOT NULL,
    next_us BIGINT,
    PRIMARY KEY (tenant, endpoint, event_id, attempt)
);
