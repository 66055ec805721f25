-- Deliveries: where events go, what became of each, and every attempt.

-- What an endpoint's filters are held against; the body has more, but frozen.
ALTER TABLE outbox ADD COLUMN direction TEXT;
ALTER TABLE outbox ADD COLUMN route TEXT;
ALTER TABLE outbox ADD COLUMN agent TEXT;

-- form: standard or cloudevents. events: names separated by spaces, '' for all. direction, route, agent: filters, null for any.
-- sealed, previous: the secret, and the one before it while that is still signed with (until previous_until_us).
-- state: active, paused or deleted; reason: why it is paused. failing_since_us: the first failure since the last success.
-- taken: up to which revision of the ledger its events have been taken in, as rows of deliveries.
CREATE TABLE webhook_endpoints (
    tenant TEXT NOT NULL,
    endpoint BLOB NOT NULL,
    url TEXT NOT NULL,
    description TEXT,
    form TEXT NOT NULL,
    events TEXT NOT NULL,
    direction TEXT,
    route TEXT,
    agent TEXT,
    sealed BLOB NOT NULL,
    previous BLOB,
    previous_until_us INTEGER,
    state TEXT NOT NULL,
    reason TEXT,
    failing_since_us INTEGER,
    taken INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, endpoint)
) STRICT, WITHOUT ROWID;

-- A tenant that has endpoints: up to which revision somebody looked, and from when on somebody has to look again.
-- Whoever changes what is to be delivered locks this row first.
CREATE TABLE delivery_heads (
    tenant TEXT NOT NULL PRIMARY KEY,
    seen INTEGER NOT NULL,
    due_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What becomes of one event at one endpoint. state: waiting, delivered or dead. revision and place: its order among the
-- events of its call. attempts: how many there were, ever; tries: since it was (re)begun at begun_us. due_us: when it is
-- to be tried. reason: what came of the last attempt. body: its bytes where they are not in the outbox.
-- An id begins with its time, so keys are in the order of time.
CREATE TABLE deliveries (
    tenant TEXT NOT NULL,
    endpoint BLOB NOT NULL,
    event_id BLOB NOT NULL,
    event TEXT NOT NULL,
    revision INTEGER NOT NULL,
    place INTEGER NOT NULL,
    call_id BLOB NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    begun_us INTEGER,
    due_us INTEGER NOT NULL,
    reason TEXT,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    body BLOB,
    PRIMARY KEY (tenant, endpoint, event_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (tenant, endpoint, due_us) WHERE state = 'waiting';
CREATE INDEX deliveries_open ON deliveries (tenant, endpoint, call_id, revision, place) WHERE state = 'waiting';
CREATE INDEX deliveries_dead ON deliveries (tenant, endpoint, event_id) WHERE state = 'dead';
CREATE INDEX deliveries_of_call ON deliveries (tenant, call_id);

-- status: of the answer, null where none came; reason: why none came, or what was wrong with it. answer: its first KiB.
CREATE TABLE delivery_attempts (
    tenant TEXT NOT NULL,
    endpoint BLOB NOT NULL,
    event_id BLOB NOT NULL,
    attempt INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    took_us INTEGER NOT NULL,
    status INTEGER,
    reason TEXT,
    answer BLOB NOT NULL,
    next_us INTEGER,
    PRIMARY KEY (tenant, endpoint, event_id, attempt)
) STRICT, WITHOUT ROWID;
