-- What alerts are judged by and are.

-- What calls did in each five minutes, by route, provider, its account and agent ('' where nobody said): in the same
-- transaction as the calls, and equal to them. started is dated by created_at; all others by ended_at, when calls became
-- final.
CREATE TABLE alert_steps (
    tenant TEXT COLLATE "C" NOT NULL,
    step_s BIGINT NOT NULL,
    route TEXT COLLATE "C" NOT NULL,
    provider TEXT COLLATE "C" NOT NULL,
    provider_account TEXT COLLATE "C" NOT NULL,
    agent TEXT COLLATE "C" NOT NULL,
    started INTEGER NOT NULL DEFAULT 0,
    final INTEGER NOT NULL DEFAULT 0,
    answered INTEGER NOT NULL DEFAULT 0,
    completed INTEGER NOT NULL DEFAULT 0,
    no_answer INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    provider_failed INTEGER NOT NULL DEFAULT 0,
    busy INTEGER NOT NULL DEFAULT 0,
    canceled INTEGER NOT NULL DEFAULT 0,
    transferred INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, step_s, route, provider, provider_account, agent)
);

-- How far a tenant's alerts are judged. steps_from_s is from when on steps are kept; repairs counts how often they were
-- put right, and turns how often they were judged: whoever saw an older number than the last changes nothing. state is what
-- detectors remember between two turns, for their code alone.
CREATE TABLE alert_states (
    tenant TEXT COLLATE "C" NOT NULL,
    steps_from_s BIGINT NOT NULL DEFAULT 0,
    repairs BIGINT NOT NULL DEFAULT 0,
    turns BIGINT NOT NULL DEFAULT 0,
    judged_us BIGINT NOT NULL DEFAULT 0,
    state BYTEA,
    PRIMARY KEY (tenant)
);

-- What a tenant wants to be told of, as JSON; no row where it never said.
CREATE TABLE alert_rules (
    tenant TEXT COLLATE "C" NOT NULL,
    rules BYTEA NOT NULL,
    updated_us BIGINT NOT NULL,
    PRIMARY KEY (tenant)
);

-- state: open, acknowledged or resolved. cause tells which finding it is of: of each there is one at a time that is not
-- resolved. content is JSON: the message, the evidence, which calls. changes counts the rows of alert_changes; is_told is
-- whether sinks were told that it is open, and so have to hear that it ended.
CREATE TABLE alerts (
    tenant TEXT COLLATE "C" NOT NULL,
    alert BYTEA NOT NULL,
    cause TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    route TEXT COLLATE "C",
    provider TEXT COLLATE "C",
    state TEXT COLLATE "C" NOT NULL,
    since_us BIGINT NOT NULL,
    opened_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    resolved_us BIGINT,
    muted_until_us BIGINT,
    is_told BIGINT NOT NULL,
    changes BIGINT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (tenant, alert)
);
CREATE INDEX alerts_listed ON alerts (tenant, opened_us, alert);
CREATE UNIQUE INDEX alerts_unresolved ON alerts (tenant, cause) WHERE state <> 'resolved';
CREATE INDEX alerts_of_cause ON alerts (tenant, cause, opened_us);

-- What became of an alert, one by one: opened, acknowledged, muted, unmuted, resolved; by whom, null for by itself.
CREATE TABLE alert_changes (
    tenant TEXT COLLATE "C" NOT NULL,
    alert BYTEA NOT NULL,
    change BIGINT NOT NULL,
    at_us BIGINT NOT NULL,
    what TEXT COLLATE "C" NOT NULL,
    by_whom TEXT COLLATE "C",
    note TEXT COLLATE "C",
    PRIMARY KEY (tenant, alert, change)
);

-- Where alerts are told. sealed holds what nobody may read again: URLs that are secrets, keys, passwords. told_us and fault
-- are of the last time that something was told there, or was to be.
CREATE TABLE alert_sinks (
    tenant TEXT COLLATE "C" NOT NULL,
    sink BYTEA NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    shown BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    told_us BIGINT,
    fault TEXT COLLATE "C",
    PRIMARY KEY (tenant, sink)
);

-- What is still to be told where; a row goes once it is told.
CREATE TABLE alert_notices (
    tenant TEXT COLLATE "C" NOT NULL,
    sink BYTEA NOT NULL,
    alert BYTEA NOT NULL,
    change BIGINT NOT NULL,
    due_us BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    PRIMARY KEY (tenant, sink, alert, change)
);
CREATE INDEX alert_notices_due ON alert_notices (tenant, due_us);

-- Callbacks that were not signed with the tenant's secret, by provider and five minutes.
CREATE TABLE signature_failures (
    tenant TEXT COLLATE "C" NOT NULL,
    provider TEXT COLLATE "C" NOT NULL,
    step_s BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    PRIMARY KEY (tenant, provider, step_s)
);
