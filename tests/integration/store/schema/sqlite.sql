-- Made by `python -m tests.integration.store.schema_text`. Do not edit.

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

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

CREATE TABLE alert_rules (
    tenant TEXT NOT NULL,
    rules BLOB NOT NULL,
    updated_us INTEGER NOT NULL,
    PRIMARY KEY (tenant)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE alert_states (
    tenant TEXT NOT NULL,
    steps_from_s INTEGER NOT NULL DEFAULT 0,
    repairs INTEGER NOT NULL DEFAULT 0,
    turns INTEGER NOT NULL DEFAULT 0,
    judged_us INTEGER NOT NULL DEFAULT 0,
    state BLOB,
    PRIMARY KEY (tenant)
) STRICT, WITHOUT ROWID;

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
    transfer_known INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, step_s, route, provider, provider_account, agent)
) STRICT, WITHOUT ROWID;

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

CREATE INDEX alerts_of_cause ON alerts (tenant, cause, opened_us);

CREATE UNIQUE INDEX alerts_unresolved ON alerts (tenant, cause) WHERE state <> 'resolved';

CREATE TABLE api_keys (
    tenant TEXT NOT NULL,
    key_id TEXT NOT NULL,
    digest BLOB NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    revoked_us INTEGER,
    last_used_us INTEGER,
    PRIMARY KEY (tenant, key_id),
    UNIQUE (tenant, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE call_texts (
    document INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    id BLOB NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER,
    words TEXT NOT NULL,
    UNIQUE (tenant, id, valid_from)
) STRICT;

CREATE TRIGGER call_texts_dropped AFTER DELETE ON call_texts
BEGIN INSERT INTO call_words (call_words, rowid, words) VALUES ('delete', old.document, old.words); END;

CREATE INDEX call_texts_ended ON call_texts (tenant, valid_to) WHERE valid_to IS NOT NULL;

CREATE TRIGGER call_texts_put AFTER INSERT ON call_texts
BEGIN INSERT INTO call_words (rowid, words) VALUES (new.document, new.words); END;

CREATE TABLE call_versions (
    tenant TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    id BLOB NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER NOT NULL,
    status INTEGER NOT NULL,
    direction INTEGER NOT NULL,
    route TEXT,
    agent TEXT,
    provider TEXT,
    escalated INTEGER NOT NULL,
    from_number TEXT,
    to_number TEXT,
    updated_us INTEGER,
    from_digits TEXT GENERATED ALWAYS AS (
    replace(replace(replace(replace(replace(replace(from_number, ' ', ''), '(', ''), ')', ''), '.', ''), '-', ''), '/', '')
) VIRTUAL,
    from_ending TEXT GENERATED ALWAYS AS (substr(from_digits, -4)) VIRTUAL,
    to_digits TEXT GENERATED ALWAYS AS (
    replace(replace(replace(replace(replace(replace(to_number, ' ', ''), '(', ''), ')', ''), '.', ''), '-', ''), '/', '')
) VIRTUAL,
    to_ending TEXT GENERATED ALWAYS AS (substr(to_digits, -4)) VIRTUAL,
    parent_call_sid TEXT,
    from_reversed TEXT GENERATED ALWAYS AS (
    substr(from_digits, -1, 1) || substr(from_digits, -2, 1) || substr(from_digits, -3, 1) || substr(from_digits, -4, 1) || substr(from_digits, -5, 1)
    || substr(from_digits, -6, 1) || substr(from_digits, -7, 1) || substr(from_digits, -8, 1) || substr(from_digits, -9, 1)
) VIRTUAL,
    to_reversed TEXT GENERATED ALWAYS AS (
    substr(to_digits, -1, 1) || substr(to_digits, -2, 1) || substr(to_digits, -3, 1) || substr(to_digits, -4, 1) || substr(to_digits, -5, 1)
    || substr(to_digits, -6, 1) || substr(to_digits, -7, 1) || substr(to_digits, -8, 1) || substr(to_digits, -9, 1)
) VIRTUAL,
    PRIMARY KEY (tenant, created_us, id, valid_from)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX call_versions_ended ON call_versions (tenant, valid_to);

CREATE VIRTUAL TABLE call_words USING fts5(
    words, content='call_texts', content_rowid='document', detail='none', tokenize='ascii'
);

CREATE TABLE calls (
    tenant TEXT NOT NULL,
    id BLOB NOT NULL,
    call_sid TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    status INTEGER NOT NULL,
    direction INTEGER NOT NULL,
    route TEXT,
    agent TEXT,
    provider TEXT,
    escalated INTEGER NOT NULL,
    from_number TEXT,
    to_number TEXT,
    revision INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    record BLOB NOT NULL,
    measured BLOB,
    measured_revision INTEGER,
    from_digits TEXT GENERATED ALWAYS AS (
    replace(replace(replace(replace(replace(replace(from_number, ' ', ''), '(', ''), ')', ''), '.', ''), '-', ''), '/', '')
) VIRTUAL,
    from_ending TEXT GENERATED ALWAYS AS (substr(from_digits, -4)) VIRTUAL,
    to_digits TEXT GENERATED ALWAYS AS (
    replace(replace(replace(replace(replace(replace(to_number, ' ', ''), '(', ''), ')', ''), '.', ''), '-', ''), '/', '')
) VIRTUAL,
    to_ending TEXT GENERATED ALWAYS AS (substr(to_digits, -4)) VIRTUAL,
    parent_call_sid TEXT,
    from_reversed TEXT GENERATED ALWAYS AS (
    substr(from_digits, -1, 1) || substr(from_digits, -2, 1) || substr(from_digits, -3, 1) || substr(from_digits, -4, 1) || substr(from_digits, -5, 1)
    || substr(from_digits, -6, 1) || substr(from_digits, -7, 1) || substr(from_digits, -8, 1) || substr(from_digits, -9, 1)
) VIRTUAL,
    to_reversed TEXT GENERATED ALWAYS AS (
    substr(to_digits, -1, 1) || substr(to_digits, -2, 1) || substr(to_digits, -3, 1) || substr(to_digits, -4, 1) || substr(to_digits, -5, 1)
    || substr(to_digits, -6, 1) || substr(to_digits, -7, 1) || substr(to_digits, -8, 1) || substr(to_digits, -9, 1)
) VIRTUAL,
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE INDEX calls_escalated ON calls (tenant, created_us, id) WHERE escalated = 1;

CREATE INDEX calls_from ON calls (tenant, from_reversed, from_number, created_us, id) WHERE from_number IS NOT NULL;

CREATE INDEX calls_from_ending ON calls (tenant, from_ending, created_us, id, from_digits) WHERE from_ending IS NOT NULL;

CREATE INDEX calls_listed ON calls (tenant, created_us, id, status, direction, route, agent, provider);

CREATE INDEX calls_of_parent ON calls (tenant, parent_call_sid, created_us, id) WHERE parent_call_sid IS NOT NULL;

CREATE INDEX calls_of_sid ON calls (tenant, call_sid);

CREATE UNIQUE INDEX calls_revised ON calls (tenant, revision);

CREATE INDEX calls_to ON calls (tenant, to_reversed, to_number, created_us, id, from_number) WHERE to_number IS NOT NULL;

CREATE INDEX calls_to_ending ON calls (tenant, to_ending, created_us, id, to_digits, from_digits) WHERE to_ending IS NOT NULL;

CREATE INDEX calls_unmeasured ON calls (tenant, created_us) WHERE measured IS NULL;

CREATE INDEX calls_updated ON calls (tenant, updated_us, created_us, id);

CREATE TABLE count_history (
    tenant TEXT NOT NULL,
    valid_to INTEGER NOT NULL,
    facet TEXT NOT NULL,
    width_s INTEGER NOT NULL,
    bucket_s INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    calls INTEGER NOT NULL DEFAULT 0,
    queued_unknown INTEGER NOT NULL DEFAULT 0,
    queued_inbound INTEGER NOT NULL DEFAULT 0,
    queued_outbound INTEGER NOT NULL DEFAULT 0,
    initiated_unknown INTEGER NOT NULL DEFAULT 0,
    initiated_inbound INTEGER NOT NULL DEFAULT 0,
    initiated_outbound INTEGER NOT NULL DEFAULT 0,
    ringing_unknown INTEGER NOT NULL DEFAULT 0,
    ringing_inbound INTEGER NOT NULL DEFAULT 0,
    ringing_outbound INTEGER NOT NULL DEFAULT 0,
    in_progress_unknown INTEGER NOT NULL DEFAULT 0,
    in_progress_inbound INTEGER NOT NULL DEFAULT 0,
    in_progress_outbound INTEGER NOT NULL DEFAULT 0,
    completed_unknown INTEGER NOT NULL DEFAULT 0,
    completed_inbound INTEGER NOT NULL DEFAULT 0,
    completed_outbound INTEGER NOT NULL DEFAULT 0,
    busy_unknown INTEGER NOT NULL DEFAULT 0,
    busy_inbound INTEGER NOT NULL DEFAULT 0,
    busy_outbound INTEGER NOT NULL DEFAULT 0,
    failed_unknown INTEGER NOT NULL DEFAULT 0,
    failed_inbound INTEGER NOT NULL DEFAULT 0,
    failed_outbound INTEGER NOT NULL DEFAULT 0,
    no_answer_unknown INTEGER NOT NULL DEFAULT 0,
    no_answer_inbound INTEGER NOT NULL DEFAULT 0,
    no_answer_outbound INTEGER NOT NULL DEFAULT 0,
    canceled_unknown INTEGER NOT NULL DEFAULT 0,
    canceled_inbound INTEGER NOT NULL DEFAULT 0,
    canceled_outbound INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, valid_to, facet, width_s, bucket_s)
) STRICT, WITHOUT ROWID;

CREATE INDEX count_milestones ON count_history (tenant, facet, width_s, bucket_s, valid_to) WHERE changes % 64 = 0;

CREATE TABLE counts (
    tenant TEXT NOT NULL,
    facet TEXT NOT NULL,
    width_s INTEGER NOT NULL,
    bucket_s INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    calls INTEGER NOT NULL DEFAULT 0,
    queued_unknown INTEGER NOT NULL DEFAULT 0,
    queued_inbound INTEGER NOT NULL DEFAULT 0,
    queued_outbound INTEGER NOT NULL DEFAULT 0,
    initiated_unknown INTEGER NOT NULL DEFAULT 0,
    initiated_inbound INTEGER NOT NULL DEFAULT 0,
    initiated_outbound INTEGER NOT NULL DEFAULT 0,
    ringing_unknown INTEGER NOT NULL DEFAULT 0,
    ringing_inbound INTEGER NOT NULL DEFAULT 0,
    ringing_outbound INTEGER NOT NULL DEFAULT 0,
    in_progress_unknown INTEGER NOT NULL DEFAULT 0,
    in_progress_inbound INTEGER NOT NULL DEFAULT 0,
    in_progress_outbound INTEGER NOT NULL DEFAULT 0,
    completed_unknown INTEGER NOT NULL DEFAULT 0,
    completed_inbound INTEGER NOT NULL DEFAULT 0,
    completed_outbound INTEGER NOT NULL DEFAULT 0,
    busy_unknown INTEGER NOT NULL DEFAULT 0,
    busy_inbound INTEGER NOT NULL DEFAULT 0,
    busy_outbound INTEGER NOT NULL DEFAULT 0,
    failed_unknown INTEGER NOT NULL DEFAULT 0,
    failed_inbound INTEGER NOT NULL DEFAULT 0,
    failed_outbound INTEGER NOT NULL DEFAULT 0,
    no_answer_unknown INTEGER NOT NULL DEFAULT 0,
    no_answer_inbound INTEGER NOT NULL DEFAULT 0,
    no_answer_outbound INTEGER NOT NULL DEFAULT 0,
    canceled_unknown INTEGER NOT NULL DEFAULT 0,
    canceled_inbound INTEGER NOT NULL DEFAULT 0,
    canceled_outbound INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, facet, width_s, bucket_s)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letters (
    tenant TEXT NOT NULL,
    letter_id BLOB NOT NULL,
    provider TEXT NOT NULL,
    received_us INTEGER NOT NULL,
    reason TEXT NOT NULL,
    request BLOB NOT NULL,
    repeats INTEGER NOT NULL DEFAULT 0,
    replayed_us INTEGER,
    PRIMARY KEY (tenant, letter_id)
) STRICT;

CREATE INDEX dead_letters_received ON dead_letters (tenant, received_us);

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

CREATE INDEX deliveries_dead ON deliveries (tenant, endpoint, event_id) WHERE state = 'dead';

CREATE INDEX deliveries_due ON deliveries (tenant, endpoint, due_us) WHERE state = 'waiting';

CREATE INDEX deliveries_of_call ON deliveries (tenant, call_id);

CREATE INDEX deliveries_open ON deliveries (tenant, endpoint, call_id, revision, place) WHERE state = 'waiting';

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

CREATE TABLE delivery_heads (
    tenant TEXT NOT NULL PRIMARY KEY,
    seen INTEGER NOT NULL,
    due_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE facts (
    tenant TEXT NOT NULL,
    node BLOB NOT NULL,
    key BLOB NOT NULL,
    received_us INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT,
    repeats INTEGER NOT NULL DEFAULT 0,
    content BLOB NOT NULL,
    raw BLOB NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0,
    conversation BLOB,
    PRIMARY KEY (tenant, node, key)
) STRICT;

CREATE TABLE holds (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    pinned_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE identities (
    tenant TEXT NOT NULL,
    node BLOB NOT NULL,
    call_sid TEXT NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (tenant, node)
) STRICT, WITHOUT ROWID;

CREATE INDEX identities_of_call ON identities (tenant, id);

CREATE INDEX identities_of_sid ON identities (tenant, call_sid);

CREATE TABLE job_files (
    tenant TEXT NOT NULL,
    job BLOB NOT NULL,
    place INTEGER NOT NULL,
    name TEXT NOT NULL,
    kept_as TEXT NOT NULL,
    content_type TEXT NOT NULL,
    line_count INTEGER NOT NULL,
    byte_count INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    PRIMARY KEY (tenant, job, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
    tenant TEXT NOT NULL,
    job BLOB NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    spec BLOB NOT NULL,
    progress BLOB NOT NULL,
    outcome BLOB,
    checked INTEGER NOT NULL,
    turns INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    waits INTEGER NOT NULL,
    due_us INTEGER NOT NULL,
    reason TEXT,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    expires_us INTEGER,
    cleared_us INTEGER,
    PRIMARY KEY (tenant, job)
) STRICT, WITHOUT ROWID;

CREATE INDEX jobs_listed ON jobs (tenant, kind, created_us, job);

CREATE INDEX jobs_open ON jobs (tenant, updated_us, job) WHERE state IN ('queued', 'running');

CREATE TABLE kept_answers (
    tenant TEXT NOT NULL,
    name BLOB NOT NULL,
    digest BLOB,
    answer BLOB,
    created_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
    tenant TEXT NOT NULL,
    job TEXT NOT NULL,
    holder TEXT NOT NULL,
    until_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, job)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_heads (
    tenant TEXT NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    kept_from INTEGER NOT NULL DEFAULT 0,
    erasures INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_marks (
    tenant TEXT NOT NULL,
    marked_us INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (tenant, marked_us)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    tenant TEXT NOT NULL,
    revision INTEGER NOT NULL,
    event TEXT NOT NULL,
    event_id BLOB NOT NULL,
    call_id BLOB NOT NULL,
    created_us INTEGER NOT NULL,
    body BLOB NOT NULL,
    direction TEXT,
    route TEXT,
    agent TEXT,
    PRIMARY KEY (tenant, revision, event)
) STRICT;

CREATE TABLE provider_secrets (
    tenant TEXT NOT NULL,
    provider TEXT NOT NULL,
    sealed BLOB NOT NULL,
    updated_us INTEGER NOT NULL,
    received_us INTEGER,
    PRIMARY KEY (tenant, provider)
) STRICT, WITHOUT ROWID;

CREATE TABLE quality (
    tenant TEXT NOT NULL,
    grain INTEGER NOT NULL,
    bucket_s INTEGER NOT NULL,
    key BLOB NOT NULL,
    direction INTEGER NOT NULL,
    route TEXT NOT NULL,
    provider TEXT NOT NULL,
    agent TEXT NOT NULL,
    provider_account TEXT NOT NULL,
    end_reason TEXT NOT NULL,
    country TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    completed INTEGER NOT NULL DEFAULT 0,
    busy INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    no_answer INTEGER NOT NULL DEFAULT 0,
    canceled INTEGER NOT NULL DEFAULT 0,
    answered INTEGER NOT NULL DEFAULT 0,
    machine_answered INTEGER NOT NULL DEFAULT 0,
    transferred INTEGER NOT NULL DEFAULT 0,
    transfers_requested INTEGER NOT NULL DEFAULT 0,
    transfers_failed INTEGER NOT NULL DEFAULT 0,
    escalated INTEGER NOT NULL DEFAULT 0,
    long_calls INTEGER NOT NULL DEFAULT 0,
    contained INTEGER NOT NULL DEFAULT 0,
    short_calls INTEGER NOT NULL DEFAULT 0,
    provider_failed INTEGER NOT NULL DEFAULT 0,
    rejected INTEGER NOT NULL DEFAULT 0,
    rang INTEGER NOT NULL DEFAULT 0,
    alerted INTEGER NOT NULL DEFAULT 0,
    talk_seconds INTEGER NOT NULL DEFAULT 0,
    ring_seconds INTEGER NOT NULL DEFAULT 0,
    pdd_ms INTEGER NOT NULL DEFAULT 0,
    erased_calls INTEGER NOT NULL DEFAULT 0,
    histograms BLOB,
    erased BLOB,
    answerer_known INTEGER NOT NULL DEFAULT 0,
    transfer_known INTEGER NOT NULL DEFAULT 0,
    known_transfers INTEGER NOT NULL DEFAULT 0,
    escalation_known INTEGER NOT NULL DEFAULT 0,
    handed_over INTEGER NOT NULL DEFAULT 0,
    containable INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, grain, bucket_s, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE quality_closed (
    tenant TEXT NOT NULL,
    day_s INTEGER NOT NULL,
    PRIMARY KEY (tenant, day_s)
) STRICT, WITHOUT ROWID;

CREATE TABLE refolds (
    tenant TEXT NOT NULL,
    after_id BLOB NOT NULL,
    PRIMARY KEY (tenant)
) STRICT, WITHOUT ROWID;

CREATE TABLE reveals (
    tenant TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    call_id BLOB NOT NULL,
    PRIMARY KEY (tenant, at_us, key_id, call_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE route_numbers (
    tenant TEXT NOT NULL,
    number TEXT NOT NULL,
    route TEXT NOT NULL,
    PRIMARY KEY (tenant, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE routes (
    tenant TEXT NOT NULL,
    route TEXT NOT NULL,
    agent TEXT,
    provider TEXT,
    updated_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, route)
) STRICT, WITHOUT ROWID;

CREATE TABLE schema_support (oldest TEXT NOT NULL) STRICT;

CREATE TABLE signature_failures (
    tenant TEXT NOT NULL,
    provider TEXT NOT NULL,
    step_s INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    PRIMARY KEY (tenant, provider, step_s)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenants (
    tenant TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    retention_days INTEGER,
    masks_numbers INTEGER NOT NULL DEFAULT 0,
    bridged_is_escalation INTEGER NOT NULL DEFAULT 0,
    default_country TEXT,
    removed_us INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE tombstones (
    tenant TEXT NOT NULL,
    revision INTEGER NOT NULL,
    id BLOB NOT NULL,
    merged_into BLOB,
    created_us INTEGER NOT NULL,
    reason TEXT NOT NULL DEFAULT 'merged',
    PRIMARY KEY (tenant, revision)
) STRICT, WITHOUT ROWID;

CREATE INDEX tombstones_merged ON tombstones (tenant, merged_into) WHERE merged_into IS NOT NULL;

CREATE INDEX tombstones_of_id ON tombstones (tenant, id);

CREATE TABLE unlisted_fields (
    tenant TEXT NOT NULL,
    provider TEXT NOT NULL,
    name TEXT NOT NULL,
    callbacks INTEGER NOT NULL,
    first_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, provider, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE voice_sessions (
    tenant TEXT NOT NULL,
    session_id TEXT NOT NULL,
    id BLOB NOT NULL,
    created_us INTEGER NOT NULL,
    status TEXT NOT NULL,
    stream_id TEXT,
    agent_key TEXT,
    revision INTEGER NOT NULL,
    record BLOB NOT NULL,
    turns_node BLOB,
    turns_key BLOB,
    functions_node BLOB,
    functions_key BLOB,
    PRIMARY KEY (tenant, session_id, id)
) STRICT;

CREATE INDEX voice_sessions_listed ON voice_sessions (tenant, created_us, session_id, id, status);

CREATE INDEX voice_sessions_of_agent ON voice_sessions (tenant, agent_key, created_us) WHERE agent_key IS NOT NULL;

CREATE INDEX voice_sessions_of_call ON voice_sessions (tenant, id);

CREATE INDEX voice_sessions_of_stream ON voice_sessions (tenant, stream_id) WHERE stream_id IS NOT NULL;

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
    sees_numbers INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant, endpoint)
) STRICT, WITHOUT ROWID;
