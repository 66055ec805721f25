-- The spine: tenants and their keys, facts, calls, what was superseded, counts, outbox.
-- Times are microseconds since 1970 UTC. Ids are 16 bytes. Every key begins with the tenant.

CREATE TABLE tenants (
    tenant TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    created_us BIGINT NOT NULL
);

-- A row apart from the tenant's own, since each commit rewrites it.
CREATE TABLE ledger_heads (
    tenant TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL,
    epoch TEXT COLLATE "C" NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE api_keys (
    tenant TEXT COLLATE "C" NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    scopes TEXT COLLATE "C" NOT NULL,
    created_us BIGINT NOT NULL,
    revoked_us BIGINT,
    PRIMARY KEY (tenant, key_id),
    UNIQUE (tenant, digest)
);

CREATE TABLE routes (
    tenant TEXT COLLATE "C" NOT NULL,
    route TEXT COLLATE "C" NOT NULL,
    agent TEXT COLLATE "C",
    provider TEXT COLLATE "C",
    updated_us BIGINT NOT NULL,
    PRIMARY KEY (tenant, route)
);

CREATE TABLE route_numbers (
    tenant TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C" NOT NULL,
    route TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, number)
);

CREATE TABLE provider_secrets (
    tenant TEXT COLLATE "C" NOT NULL,
    provider TEXT COLLATE "C" NOT NULL,
    sealed BYTEA NOT NULL,
    updated_us BIGINT NOT NULL,
    PRIMARY KEY (tenant, provider)
);

CREATE TABLE dead_letters (
    tenant TEXT COLLATE "C" NOT NULL,
    letter_id BYTEA NOT NULL,
    provider TEXT COLLATE "C" NOT NULL,
    received_us BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    request BYTEA NOT NULL,
    repeats INTEGER NOT NULL DEFAULT 0,
    replayed_us BIGINT,
    PRIMARY KEY (tenant, letter_id)
);

-- `node` is the id that the SID named by the fact would have as a call of its own.
CREATE TABLE facts (
    tenant TEXT COLLATE "C" NOT NULL,
    node BYTEA NOT NULL,
    key BYTEA NOT NULL,
    received_us BIGINT NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C",
    repeats INTEGER NOT NULL DEFAULT 0,
    content BYTEA NOT NULL,
    raw BYTEA NOT NULL,
    PRIMARY KEY (tenant, node, key)
);

-- Only SIDs that are linked stand here; any other is a call by itself.
CREATE TABLE identities (
    tenant TEXT COLLATE "C" NOT NULL,
    node BYTEA NOT NULL,
    call_sid TEXT COLLATE "C" NOT NULL,
    id BYTEA NOT NULL,
    PRIMARY KEY (tenant, node)
);
CREATE INDEX identities_of_call ON identities (tenant, id);

CREATE TABLE calls (
    tenant TEXT COLLATE "C" NOT NULL,
    id BYTEA NOT NULL,
    call_sid TEXT COLLATE "C" NOT NULL,
    created_us BIGINT NOT NULL,
    status SMALLINT NOT NULL,
    direction SMALLINT NOT NULL,
    route TEXT COLLATE "C",
    agent TEXT COLLATE "C",
    provider TEXT COLLATE "C",
    escalated SMALLINT NOT NULL,
    from_number TEXT COLLATE "C",
    to_number TEXT COLLATE "C",
    revision BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX calls_listed ON calls (tenant, created_us, id) INCLUDE (status, direction, route, agent, provider);
CREATE UNIQUE INDEX calls_revised ON calls (tenant, revision);
-- Small, since few calls are; a scan for them would read all.
CREATE INDEX calls_escalated ON calls (tenant, created_us, id) WHERE escalated = 1;
CREATE INDEX calls_from ON calls (tenant, from_number, created_us, id) WHERE from_number IS NOT NULL;
CREATE INDEX calls_to ON calls (tenant, to_number, created_us, id) WHERE to_number IS NOT NULL;

-- What a call was in its list columns from one revision (included) to the next (excluded).
CREATE TABLE call_versions (
    tenant TEXT COLLATE "C" NOT NULL,
    created_us BIGINT NOT NULL,
    id BYTEA NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_to BIGINT NOT NULL,
    status SMALLINT NOT NULL,
    direction SMALLINT NOT NULL,
    route TEXT COLLATE "C",
    agent TEXT COLLATE "C",
    provider TEXT COLLATE "C",
    escalated SMALLINT NOT NULL,
    from_number TEXT COLLATE "C",
    to_number TEXT COLLATE "C",
    PRIMARY KEY (tenant, created_us, id, valid_from)
);

-- An id that stopped being a call's own, and the id that it became part of.
CREATE TABLE tombstones (
    tenant TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    id BYTEA NOT NULL,
    merged_into BYTEA,
    created_us BIGINT NOT NULL,
    PRIMARY KEY (tenant, revision)
);

-- Calls per bucket of time: all of them, and a column per status and direction.
-- `facet` is '' for all calls, else `route=…` and the like.
CREATE TABLE counts (
    tenant TEXT COLLATE "C" NOT NULL,
    facet TEXT COLLATE "C" NOT NULL,
    width_s BIGINT NOT NULL,
    bucket_s BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    changes BIGINT NOT NULL,
    calls INTEGER NOT NULL DEFAULT 0,
    queued_unknown INTEGER NOT NULL DEFAULT 0, queued_inbound INTEGER NOT NULL DEFAULT 0, queued_outbound INTEGER NOT NULL DEFAULT 0,
    initiated_unknown INTEGER NOT NULL DEFAULT 0, initiated_inbound INTEGER NOT NULL DEFAULT 0, initiated_outbound INTEGER NOT NULL DEFAULT 0,
    ringing_unknown INTEGER NOT NULL DEFAULT 0, ringing_inbound INTEGER NOT NULL DEFAULT 0, ringing_outbound INTEGER NOT NULL DEFAULT 0,
    in_progress_unknown INTEGER NOT NULL DEFAULT 0, in_progress_inbound INTEGER NOT NULL DEFAULT 0, in_progress_outbound INTEGER NOT NULL DEFAULT 0,
    completed_unknown INTEGER NOT NULL DEFAULT 0, completed_inbound INTEGER NOT NULL DEFAULT 0, completed_outbound INTEGER NOT NULL DEFAULT 0,
    busy_unknown INTEGER NOT NULL DEFAULT 0, busy_inbound INTEGER NOT NULL DEFAULT 0, busy_outbound INTEGER NOT NULL DEFAULT 0,
    failed_unknown INTEGER NOT NULL DEFAULT 0, failed_inbound INTEGER NOT NULL DEFAULT 0, failed_outbound INTEGER NOT NULL DEFAULT 0,
    no_answer_unknown INTEGER NOT NULL DEFAULT 0, no_answer_inbound INTEGER NOT NULL DEFAULT 0, no_answer_outbound INTEGER NOT NULL DEFAULT 0,
    canceled_unknown INTEGER NOT NULL DEFAULT 0, canceled_inbound INTEGER NOT NULL DEFAULT 0, canceled_outbound INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, facet, width_s, bucket_s)
);

-- What a row of counts held from `revision` (included) to `valid_to` (excluded), in the order in which it ended:
-- a commit so adds a page or two, where in the order of the buckets it would write a page for each.
-- A row's predecessor is the one whose `valid_to` is its `revision`; milestones shorten the way back.
CREATE TABLE count_history (
    tenant TEXT COLLATE "C" NOT NULL,
    valid_to BIGINT NOT NULL,
    facet TEXT COLLATE "C" NOT NULL,
    width_s BIGINT NOT NULL,
    bucket_s BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    changes BIGINT NOT NULL,
    calls INTEGER NOT NULL DEFAULT 0,
    queued_unknown INTEGER NOT NULL DEFAULT 0, queued_inbound INTEGER NOT NULL DEFAULT 0, queued_outbound INTEGER NOT NULL DEFAULT 0,
    initiated_unknown INTEGER NOT NULL DEFAULT 0, initiated_inbound INTEGER NOT NULL DEFAULT 0, initiated_outbound INTEGER NOT NULL DEFAULT 0,
    ringing_unknown INTEGER NOT NULL DEFAULT 0, ringing_inbound INTEGER NOT NULL DEFAULT 0, ringing_outbound INTEGER NOT NULL DEFAULT 0,
    in_progress_unknown INTEGER NOT NULL DEFAULT 0, in_progress_inbound INTEGER NOT NULL DEFAULT 0, in_progress_outbound INTEGER NOT NULL DEFAULT 0,
    completed_unknown INTEGER NOT NULL DEFAULT 0, completed_inbound INTEGER NOT NULL DEFAULT 0, completed_outbound INTEGER NOT NULL DEFAULT 0,
    busy_unknown INTEGER NOT NULL DEFAULT 0, busy_inbound INTEGER NOT NULL DEFAULT 0, busy_outbound INTEGER NOT NULL DEFAULT 0,
    failed_unknown INTEGER NOT NULL DEFAULT 0, failed_inbound INTEGER NOT NULL DEFAULT 0, failed_outbound INTEGER NOT NULL DEFAULT 0,
    no_answer_unknown INTEGER NOT NULL DEFAULT 0, no_answer_inbound INTEGER NOT NULL DEFAULT 0, no_answer_outbound INTEGER NOT NULL DEFAULT 0,
    canceled_unknown INTEGER NOT NULL DEFAULT 0, canceled_inbound INTEGER NOT NULL DEFAULT 0, canceled_outbound INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, valid_to, facet, width_s, bucket_s)
);
CREATE INDEX count_milestones ON count_history (tenant, facet, width_s, bucket_s, valid_to) WHERE changes % 64 = 0;

-- Events for the tenant's endpoints, their bytes frozen when the call changed.
CREATE TABLE outbox (
    tenant TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    event_id BYTEA NOT NULL,
    call_id BYTEA NOT NULL,
    created_us BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (tenant, revision, event)
);
