-- What alerts are judged by and are.

-- What calls did in each five minutes, by route, provider, its account and agent ('' where nobody said): in the same
-- transaction as the calls, and equal to them. started is dated by created_at; all others by ended_at, when calls became
-- final.
CREATE TABLE alert_steps (
    tenant TEXT NOT NULL,
    step_s INTEGER NOT NULL,
    route TEXT NOT NULL,
    provider TEXT NOT NULL,
    provider_account TEXT NOT NULL,
    agent TEXT NOT NULL,
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
) STRICT, WITHOUT ROWID;

-- How far a tenant's alerts are judged. steps_from_s is from when on steps are kept; repairs counts how often they were
-- put right, and turns how often they were judged: whoever saw an older number than the last changes nothing. state is what
-- detectors remember between two turns, for their code alone.
CREATE TABLE alert_states (
    tenant TEXT NOT NULL,
    steps_from_s INTEGER NOT NULL DEFAULT 0,
    repairs INTEGER NOT NULL DEFAULT 0,
    turns INTEGER NOT NULL DEFAULT 0,
    judged_us INTEGER NOT NULL DEFAULT 0,
    state BLOB,
    PRIMARY KEY (tenant)
) STRICT, WITHOUT ROWID;

-- What a tenant wants to be told of, as JSON; no row where it never said.
CREATE TABLE alert_rules (
    tenant TEXT NOT NULL,
    rules BLOB NOT NULL,
    updated_us INTEGER NOT NULL,
    PRIMARY KEY (tenant)
) STRICT, WITHOUT ROWID;

-- state: open, acknowledged or resolved. cause tells which finding it is of: of each there is one at a time that is not
-- resolved. content is JSON: the message, the evidence, which calls. changes counts the rows of alert_changes; is_told is
-- whether sinks were told that it is open, and so have to hear that it ended.
CREATE TABLE alerts (
    tenant TEXT NOT NULL,
    alert BLOB NOT NULL,
    cause TEXT NOT NULL,
    kind TEXT NOT NULL,
    route TEXT,
    provider TEXT,
    state TEXT NOT NULL,
    since_us INTEGER NOT NULL,
    opened_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    resolved_us INTEGER,
    muted_until_us INTEGER,
    is_told INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (tenant, alert)
) STRICT, WITHOUT ROWID;
CREATE INDEX alerts_listed ON alerts (tenant, opened_us, alert);
CREATE UNIQUE INDEX alerts_unresolved ON alerts (tenant, cause) WHERE state <> 'resolved';
CREATE INDEX alerts_of_cause ON alerts (tenant, cause, opened_us);

-- What became of an alert, one by one: opened, acknowledged, muted, unmuted, resolved; by whom, null for by itself.
CREATE TABLE alert_changes (
    tenant TEXT NOT NULL,
    alert BLOB NOT NULL,
    change INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    what TEXT NOT NULL,
    by_whom TEXT,
    note TEXT,
    PRIMARY KEY (tenant, alert, change)
) STRICT, WITHOUT ROWID;

-- Where alerts are told. sealed holds what nobody may read again: URLs that are secrets, keys, passwords. told_us and fault
-- are of the last time that something was told there, or was to be.
CREATE TABLE alert_sinks (
    tenant TEXT NOT NULL,
    sink BLOB NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    shown BLOB NOT NULL,
    sealed BLOB NOT NULL,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    told_us INTEGER,
    fault TEXT,
    PRIMARY KEY (tenant, sink)
) STRICT, WITHOUT ROWID;

-- What is still to be told where; a row goes once it is told.
CREATE TABLE alert_notices (
    tenant TEXT NOT NULL,
    sink BLOB NOT NULL,
    alert BLOB NOT NULL,
    change INTEGER NOT NULL,
    due_us INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, sink, alert, change)
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_notices_due ON alert_notices (tenant, due_us);

-- Callbacks that were not signed with the tenant's secret, by provider and five minutes.
CREATE TABLE signature_failures (
    tenant TEXT NOT NULL,
    provider TEXT NOT NULL,
    step_s INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    PRIMARY KEY (tenant, provider, step_s)
) STRICT, WITHOUT ROWID;
