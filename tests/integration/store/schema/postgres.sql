-- Made by `python -m tests.integration.store.schema_text`. Do not edit.

CREATE TABLE alembic_version (
    version_num character varying(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE alert_changes (
    tenant text COLLATE "C" NOT NULL,
    alert bytea NOT NULL,
    change bigint NOT NULL,
    at_us bigint NOT NULL,
    what text COLLATE "C" NOT NULL,
    by_whom text COLLATE "C",
    note text COLLATE "C",
    CONSTRAINT alert_changes_pkey PRIMARY KEY (tenant, alert, change)
);

CREATE TABLE alert_notices (
    tenant text COLLATE "C" NOT NULL,
    sink bytea NOT NULL,
    alert bytea NOT NULL,
    change bigint NOT NULL,
    due_us bigint NOT NULL,
    tries bigint NOT NULL,
    created_us bigint NOT NULL,
    CONSTRAINT alert_notices_pkey PRIMARY KEY (tenant, sink, alert, change)
);

CREATE INDEX alert_notices_due ON alert_notices USING btree (tenant, due_us);

CREATE TABLE alert_rules (
    tenant text COLLATE "C" NOT NULL,
    rules bytea NOT NULL,
    updated_us bigint NOT NULL,
    CONSTRAINT alert_rules_pkey PRIMARY KEY (tenant)
);

CREATE TABLE alert_sinks (
    tenant text COLLATE "C" NOT NULL,
    sink bytea NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    shown bytea NOT NULL,
    sealed bytea NOT NULL,
    created_us bigint NOT NULL,
    updated_us bigint NOT NULL,
    told_us bigint,
    fault text COLLATE "C",
    CONSTRAINT alert_sinks_pkey PRIMARY KEY (tenant, sink)
);

CREATE TABLE alert_states (
    tenant text COLLATE "C" NOT NULL,
    steps_from_s bigint NOT NULL DEFAULT 0,
    repairs bigint NOT NULL DEFAULT 0,
    turns bigint NOT NULL DEFAULT 0,
    judged_us bigint NOT NULL DEFAULT 0,
    state bytea,
    CONSTRAINT alert_states_pkey PRIMARY KEY (tenant)
);

CREATE TABLE alert_steps (
    tenant text COLLATE "C" NOT NULL,
    step_s bigint NOT NULL,
    route text COLLATE "C" NOT NULL,
    provider text COLLATE "C" NOT NULL,
    provider_account text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL,
    started integer NOT NULL DEFAULT 0,
    final integer NOT NULL DEFAULT 0,
    answered integer NOT NULL DEFAULT 0,
    completed integer NOT NULL DEFAULT 0,
    no_answer integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    provider_failed integer NOT NULL DEFAULT 0,
    busy integer NOT NULL DEFAULT 0,
    canceled integer NOT NULL DEFAULT 0,
    transferred integer NOT NULL DEFAULT 0,
    transfer_known integer NOT NULL DEFAULT 0,
    CONSTRAINT alert_steps_pkey PRIMARY KEY (tenant, step_s, route, provider, provider_account, agent)
);

CREATE TABLE alerts (
    tenant text COLLATE "C" NOT NULL,
    alert bytea NOT NULL,
    cause text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    route text COLLATE "C",
    provider text COLLATE "C",
    state text COLLATE "C" NOT NULL,
    since_us bigint NOT NULL,
    opened_us bigint NOT NULL,
    updated_us bigint NOT NULL,
    resolved_us bigint,
    muted_until_us bigint,
    is_told bigint NOT NULL,
    changes bigint NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT alerts_pkey PRIMARY KEY (tenant, alert)
);

CREATE INDEX alerts_listed ON alerts USING btree (tenant, opened_us, alert);

CREATE INDEX alerts_of_cause ON alerts USING btree (tenant, cause, opened_us);

CREATE UNIQUE INDEX alerts_unresolved ON alerts USING btree (tenant, cause) WHERE (state <> 'resolved'::text);

CREATE TABLE api_keys (
    tenant text COLLATE "C" NOT NULL,
    key_id text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    name text COLLATE "C" NOT NULL,
    scopes text COLLATE "C" NOT NULL,
    created_us bigint NOT NULL,
    revoked_us bigint,
    last_used_us bigint,
    CONSTRAINT api_keys_pkey PRIMARY KEY (tenant, key_id),
    CONSTRAINT api_keys_tenant_digest_key UNIQUE (tenant, digest)
);

CREATE TABLE call_texts (
    tenant text COLLATE "C" NOT NULL,
    id bytea NOT NULL,
    valid_from bigint NOT NULL,
    valid_to bigint,
    words tsvector NOT NULL,
    CONSTRAINT call_texts_pkey PRIMARY KEY (tenant, id, valid_from)
);

CREATE INDEX call_texts_ended ON call_texts USING btree (tenant, valid_to) WHERE (valid_to IS NOT NULL);

CREATE INDEX call_words ON call_texts USING gin (words);

CREATE TABLE call_versions (
    tenant text COLLATE "C" NOT NULL,
    created_us bigint NOT NULL,
    id bytea NOT NULL,
    valid_from bigint NOT NULL,
    valid_to bigint NOT NULL,
    status smallint NOT NULL,
    direction smallint NOT NULL,
    route text COLLATE "C",
    agent text COLLATE "C",
    provider text COLLATE "C",
    escalated smallint NOT NULL,
    from_number text COLLATE "C",
    to_number text COLLATE "C",
    updated_us bigint,
    parent_call_sid text COLLATE "C",
    CONSTRAINT call_versions_pkey PRIMARY KEY (tenant, created_us, id, valid_from)
);

CREATE UNIQUE INDEX call_versions_ended ON call_versions USING btree (tenant, valid_to);

CREATE TABLE calls (
    tenant text COLLATE "C" NOT NULL,
    id bytea NOT NULL,
    call_sid text COLLATE "C" NOT NULL,
    created_us bigint NOT NULL,
    status smallint NOT NULL,
    direction smallint NOT NULL,
    route text COLLATE "C",
    agent text COLLATE "C",
    provider text COLLATE "C",
    escalated smallint NOT NULL,
    from_number text COLLATE "C",
    to_number text COLLATE "C",
    revision bigint NOT NULL,
    updated_us bigint NOT NULL,
    record bytea NOT NULL,
    measured bytea,
    measured_revision bigint,
    parent_call_sid text COLLATE "C",
    CONSTRAINT calls_pkey PRIMARY KEY (tenant, id)
);

CREATE INDEX calls_escalated ON calls USING btree (tenant, created_us, id) WHERE (escalated = 1);

CREATE INDEX calls_from ON calls USING btree (tenant, from_number, created_us, id) WHERE (from_number IS NOT NULL);

CREATE INDEX calls_from_ending ON calls USING btree (tenant, "right"(translate(from_number, ' ().-/'::text, ''::text), 4), created_us, id) INCLUDE (from_number) WHERE (from_number IS NOT NULL);

CREATE INDEX calls_from_reversed ON calls USING btree (tenant, reverse("right"(translate(from_number, ' ().-/'::text, ''::text), 9)), from_number) WHERE (from_number IS NOT NULL);

CREATE INDEX calls_listed ON calls USING btree (tenant, created_us, id) INCLUDE (status, direction, route, agent, provider);

CREATE INDEX calls_of_parent ON calls USING btree (tenant, parent_call_sid, created_us, id) WHERE (parent_call_sid IS NOT NULL);

CREATE INDEX calls_of_sid ON calls USING btree (tenant, call_sid);

CREATE INDEX calls_to ON calls USING btree (tenant, to_number, created_us, id) WHERE (to_number IS NOT NULL);

CREATE INDEX calls_to_ending ON calls USING btree (tenant, "right"(translate(to_number, ' ().-/'::text, ''::text), 4), created_us, id) INCLUDE (to_number, from_number) WHERE (to_number IS NOT NULL);

CREATE INDEX calls_to_reversed ON calls USING btree (tenant, reverse("right"(translate(to_number, ' ().-/'::text, ''::text), 9)), to_number) WHERE (to_number IS NOT NULL);

CREATE INDEX calls_unmeasured ON calls USING btree (tenant, created_us) WHERE (measured IS NULL);

CREATE INDEX calls_updated ON calls USING btree (tenant, updated_us, created_us, id);

CREATE UNIQUE INDEX calls_revised ON calls USING btree (tenant, revision);

CREATE TABLE count_history (
    tenant text COLLATE "C" NOT NULL,
    valid_to bigint NOT NULL,
    facet text COLLATE "C" NOT NULL,
    width_s bigint NOT NULL,
    bucket_s bigint NOT NULL,
    revision bigint NOT NULL,
    changes bigint NOT NULL,
    calls integer NOT NULL DEFAULT 0,
    queued_unknown integer NOT NULL DEFAULT 0,
    queued_inbound integer NOT NULL DEFAULT 0,
    queued_outbound integer NOT NULL DEFAULT 0,
    initiated_unknown integer NOT NULL DEFAULT 0,
    initiated_inbound integer NOT NULL DEFAULT 0,
    initiated_outbound integer NOT NULL DEFAULT 0,
    ringing_unknown integer NOT NULL DEFAULT 0,
    ringing_inbound integer NOT NULL DEFAULT 0,
    ringing_outbound integer NOT NULL DEFAULT 0,
    in_progress_unknown integer NOT NULL DEFAULT 0,
    in_progress_inbound integer NOT NULL DEFAULT 0,
    in_progress_outbound integer NOT NULL DEFAULT 0,
    completed_unknown integer NOT NULL DEFAULT 0,
    completed_inbound integer NOT NULL DEFAULT 0,
    completed_outbound integer NOT NULL DEFAULT 0,
    busy_unknown integer NOT NULL DEFAULT 0,
    busy_inbound integer NOT NULL DEFAULT 0,
    busy_outbound integer NOT NULL DEFAULT 0,
    failed_unknown integer NOT NULL DEFAULT 0,
    failed_inbound integer NOT NULL DEFAULT 0,
    failed_outbound integer NOT NULL DEFAULT 0,
    no_answer_unknown integer NOT NULL DEFAULT 0,
    no_answer_inbound integer NOT NULL DEFAULT 0,
    no_answer_outbound integer NOT NULL DEFAULT 0,
    canceled_unknown integer NOT NULL DEFAULT 0,
    canceled_inbound integer NOT NULL DEFAULT 0,
    canceled_outbound integer NOT NULL DEFAULT 0,
    CONSTRAINT count_history_pkey PRIMARY KEY (tenant, valid_to, facet, width_s, bucket_s)
);

CREATE INDEX count_milestones ON count_history USING btree (tenant, facet, width_s, bucket_s, valid_to) WHERE ((changes % (64)::bigint) = 0);

CREATE TABLE counts (
    tenant text COLLATE "C" NOT NULL,
    facet text COLLATE "C" NOT NULL,
    width_s bigint NOT NULL,
    bucket_s bigint NOT NULL,
    revision bigint NOT NULL,
    changes bigint NOT NULL,
    calls integer NOT NULL DEFAULT 0,
    queued_unknown integer NOT NULL DEFAULT 0,
    queued_inbound integer NOT NULL DEFAULT 0,
    queued_outbound integer NOT NULL DEFAULT 0,
    initiated_unknown integer NOT NULL DEFAULT 0,
    initiated_inbound integer NOT NULL DEFAULT 0,
    initiated_outbound integer NOT NULL DEFAULT 0,
    ringing_unknown integer NOT NULL DEFAULT 0,
    ringing_inbound integer NOT NULL DEFAULT 0,
    ringing_outbound integer NOT NULL DEFAULT 0,
    in_progress_unknown integer NOT NULL DEFAULT 0,
    in_progress_inbound integer NOT NULL DEFAULT 0,
    in_progress_outbound integer NOT NULL DEFAULT 0,
    completed_unknown integer NOT NULL DEFAULT 0,
    completed_inbound integer NOT NULL DEFAULT 0,
    completed_outbound integer NOT NULL DEFAULT 0,
    busy_unknown integer NOT NULL DEFAULT 0,
    busy_inbound integer NOT NULL DEFAULT 0,
    busy_outbound integer NOT NULL DEFAULT 0,
    failed_unknown integer NOT NULL DEFAULT 0,
    failed_inbound integer NOT NULL DEFAULT 0,
    failed_outbound integer NOT NULL DEFAULT 0,
    no_answer_unknown integer NOT NULL DEFAULT 0,
    no_answer_inbound integer NOT NULL DEFAULT 0,
    no_answer_outbound integer NOT NULL DEFAULT 0,
    canceled_unknown integer NOT NULL DEFAULT 0,
    canceled_inbound integer NOT NULL DEFAULT 0,
    canceled_outbound integer NOT NULL DEFAULT 0,
    CONSTRAINT counts_pkey PRIMARY KEY (tenant, facet, width_s, bucket_s)
);

CREATE TABLE dead_letters (
    tenant text COLLATE "C" NOT NULL,
    letter_id bytea NOT NULL,
    provider text COLLATE "C" NOT NULL,
    received_us bigint NOT NULL,
    reason text COLLATE "C" NOT NULL,
    request bytea NOT NULL,
    repeats integer NOT NULL DEFAULT 0,
    replayed_us bigint,
    CONSTRAINT dead_letters_pkey PRIMARY KEY (tenant, letter_id)
);

CREATE INDEX dead_letters_received ON dead_letters USING btree (tenant, received_us);

CREATE TABLE deliveries (
    tenant text COLLATE "C" NOT NULL,
    endpoint bytea NOT NULL,
    event_id bytea NOT NULL,
    event text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    place bigint NOT NULL,
    call_id bytea NOT NULL,
    state text COLLATE "C" NOT NULL,
    attempts bigint NOT NULL,
    tries bigint NOT NULL,
    begun_us bigint,
    due_us bigint NOT NULL,
    reason text COLLATE "C",
    created_us bigint NOT NULL,
    updated_us bigint NOT NULL,
    body bytea,
    CONSTRAINT deliveries_pkey PRIMARY KEY (tenant, endpoint, event_id)
);

CREATE INDEX deliveries_dead ON deliveries USING btree (tenant, endpoint, event_id) WHERE (state = 'dead'::text);

CREATE INDEX deliveries_due ON deliveries USING btree (tenant, endpoint, due_us) WHERE (state = 'waiting'::text);

CREATE INDEX deliveries_of_call ON deliveries USING btree (tenant, call_id);

CREATE INDEX deliveries_open ON deliveries USING btree (tenant, endpoint, call_id, revision, place) WHERE (state = 'waiting'::text);

CREATE TABLE delivery_attempts (
    tenant text COLLATE "C" NOT NULL,
    endpoint bytea NOT NULL,
    event_id bytea NOT NULL,
    attempt bigint NOT NULL,
    at_us bigint NOT NULL,
    took_us bigint NOT NULL,
    status bigint,
    reason text COLLATE "C",
    answer bytea NOT NULL,
    next_us bigint,
    CONSTRAINT delivery_attempts_pkey PRIMARY KEY (tenant, endpoint, event_id, attempt)
);

CREATE TABLE delivery_heads (
    tenant text COLLATE "C" NOT NULL,
    seen bigint NOT NULL,
    due_us bigint NOT NULL,
    CONSTRAINT delivery_heads_pkey PRIMARY KEY (tenant)
);

CREATE TABLE facts (
    tenant text COLLATE "C" NOT NULL,
    node bytea NOT NULL,
    key bytea NOT NULL,
    received_us bigint NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    reason text COLLATE "C",
    repeats integer NOT NULL DEFAULT 0,
    content bytea NOT NULL,
    raw bytea NOT NULL,
    revision bigint NOT NULL DEFAULT 0,
    conversation bytea,
    CONSTRAINT facts_pkey PRIMARY KEY (tenant, node, key)
);

CREATE TABLE holds (
    tenant text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    pinned_us bigint NOT NULL,
    CONSTRAINT holds_pkey PRIMARY KEY (tenant, name)
);

CREATE TABLE identities (
    tenant text COLLATE "C" NOT NULL,
    node bytea NOT NULL,
    call_sid text COLLATE "C" NOT NULL,
    id bytea NOT NULL,
    CONSTRAINT identities_pkey PRIMARY KEY (tenant, node)
);

CREATE INDEX identities_of_call ON identities USING btree (tenant, id);

CREATE INDEX identities_of_sid ON identities USING btree (tenant, call_sid);

CREATE TABLE job_files (
    tenant text COLLATE "C" NOT NULL,
    job bytea NOT NULL,
    place bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    kept_as text COLLATE "C" NOT NULL,
    content_type text COLLATE "C" NOT NULL,
    line_count bigint NOT NULL,
    byte_count bigint NOT NULL,
    sha256 bytea NOT NULL,
    CONSTRAINT job_files_pkey PRIMARY KEY (tenant, job, place)
);

CREATE TABLE jobs (
    tenant text COLLATE "C" NOT NULL,
    job bytea NOT NULL,
    kind text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    spec bytea NOT NULL,
    progress bytea NOT NULL,
    outcome bytea,
    checked bigint NOT NULL,
    turns bigint NOT NULL,
    tries bigint NOT NULL,
    waits bigint NOT NULL,
    due_us bigint NOT NULL,
    reason text COLLATE "C",
    created_us bigint NOT NULL,
    updated_us bigint NOT NULL,
    expires_us bigint,
    cleared_us bigint,
    CONSTRAINT jobs_pkey PRIMARY KEY (tenant, job)
);

CREATE INDEX jobs_listed ON jobs USING btree (tenant, kind, created_us, job);

CREATE INDEX jobs_open ON jobs USING btree (tenant, updated_us, job) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text]));

CREATE TABLE kept_answers (
    tenant text COLLATE "C" NOT NULL,
    name bytea NOT NULL,
    digest bytea,
    answer bytea,
    created_us bigint NOT NULL,
    CONSTRAINT kept_answers_pkey PRIMARY KEY (tenant, name)
);

CREATE TABLE leases (
    tenant text COLLATE "C" NOT NULL,
    job text COLLATE "C" NOT NULL,
    holder text COLLATE "C" NOT NULL,
    until_us bigint NOT NULL,
    CONSTRAINT leases_pkey PRIMARY KEY (tenant, job)
);

CREATE TABLE ledger_heads (
    tenant text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    epoch text COLLATE "C" NOT NULL,
    kept_from bigint NOT NULL DEFAULT 0,
    erasures bigint NOT NULL DEFAULT 0,
    CONSTRAINT ledger_heads_pkey PRIMARY KEY (tenant)
) WITH (fillfactor=50);

CREATE TABLE ledger_marks (
    tenant text COLLATE "C" NOT NULL,
    marked_us bigint NOT NULL,
    revision bigint NOT NULL,
    CONSTRAINT ledger_marks_pkey PRIMARY KEY (tenant, marked_us)
);

CREATE TABLE outbox (
    tenant text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    event text COLLATE "C" NOT NULL,
    event_id bytea NOT NULL,
    call_id bytea NOT NULL,
    created_us bigint NOT NULL,
    body bytea NOT NULL,
    direction text COLLATE "C",
    route text COLLATE "C",
    agent text COLLATE "C",
    CONSTRAINT outbox_pkey PRIMARY KEY (tenant, revision, event)
);

CREATE TABLE provider_secrets (
    tenant text COLLATE "C" NOT NULL,
    provider text COLLATE "C" NOT NULL,
    sealed bytea NOT NULL,
    updated_us bigint NOT NULL,
    received_us bigint,
    CONSTRAINT provider_secrets_pkey PRIMARY KEY (tenant, provider)
);

CREATE TABLE quality (
    tenant text COLLATE "C" NOT NULL,
    grain smallint NOT NULL,
    bucket_s bigint NOT NULL,
    key bytea NOT NULL,
    direction smallint NOT NULL,
    route text COLLATE "C" NOT NULL,
    provider text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL,
    provider_account text COLLATE "C" NOT NULL,
    end_reason text COLLATE "C" NOT NULL,
    country text COLLATE "C" NOT NULL,
    attempts bigint NOT NULL DEFAULT 0,
    completed bigint NOT NULL DEFAULT 0,
    busy bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    no_answer bigint NOT NULL DEFAULT 0,
    canceled bigint NOT NULL DEFAULT 0,
    answered bigint NOT NULL DEFAULT 0,
    machine_answered bigint NOT NULL DEFAULT 0,
    transferred bigint NOT NULL DEFAULT 0,
    transfers_requested bigint NOT NULL DEFAULT 0,
    transfers_failed bigint NOT NULL DEFAULT 0,
    escalated bigint NOT NULL DEFAULT 0,
    long_calls bigint NOT NULL DEFAULT 0,
    contained bigint NOT NULL DEFAULT 0,
    short_calls bigint NOT NULL DEFAULT 0,
    provider_failed bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    rang bigint NOT NULL DEFAULT 0,
    alerted bigint NOT NULL DEFAULT 0,
    talk_seconds bigint NOT NULL DEFAULT 0,
    ring_seconds bigint NOT NULL DEFAULT 0,
    pdd_ms bigint NOT NULL DEFAULT 0,
    erased_calls bigint NOT NULL DEFAULT 0,
    histograms bytea,
    erased bytea,
    answerer_known bigint NOT NULL DEFAULT 0,
    transfer_known bigint NOT NULL DEFAULT 0,
    known_transfers bigint NOT NULL DEFAULT 0,
    escalation_known bigint NOT NULL DEFAULT 0,
    handed_over bigint NOT NULL DEFAULT 0,
    containable bigint NOT NULL DEFAULT 0,
    CONSTRAINT quality_pkey PRIMARY KEY (tenant, grain, bucket_s, key)
) WITH (fillfactor=70);

CREATE TABLE quality_closed (
    tenant text COLLATE "C" NOT NULL,
    day_s bigint NOT NULL,
    CONSTRAINT quality_closed_pkey PRIMARY KEY (tenant, day_s)
);

CREATE TABLE refolds (
    tenant text COLLATE "C" NOT NULL,
    after_id bytea NOT NULL,
    CONSTRAINT refolds_pkey PRIMARY KEY (tenant)
);

CREATE TABLE reveals (
    tenant text COLLATE "C" NOT NULL,
    at_us bigint NOT NULL,
    key_id text COLLATE "C" NOT NULL,
    call_id bytea NOT NULL,
    CONSTRAINT reveals_pkey PRIMARY KEY (tenant, at_us, key_id, call_id)
);

CREATE TABLE route_numbers (
    tenant text COLLATE "C" NOT NULL,
    number text COLLATE "C" NOT NULL,
    route text COLLATE "C" NOT NULL,
    CONSTRAINT route_numbers_pkey PRIMARY KEY (tenant, number)
);

CREATE TABLE routes (
    tenant text COLLATE "C" NOT NULL,
    route text COLLATE "C" NOT NULL,
    agent text COLLATE "C",
    provider text COLLATE "C",
    updated_us bigint NOT NULL,
    CONSTRAINT routes_pkey PRIMARY KEY (tenant, route)
);

CREATE TABLE schema_support (
    oldest text COLLATE "C" NOT NULL
);

CREATE TABLE signature_failures (
    tenant text COLLATE "C" NOT NULL,
    provider text COLLATE "C" NOT NULL,
    step_s bigint NOT NULL,
    failures bigint NOT NULL,
    CONSTRAINT signature_failures_pkey PRIMARY KEY (tenant, provider, step_s)
);

CREATE TABLE tenants (
    tenant text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    created_us bigint NOT NULL,
    retention_days integer,
    masks_numbers smallint NOT NULL DEFAULT 0,
    bridged_is_escalation smallint NOT NULL DEFAULT 0,
    default_country text COLLATE "C",
    removed_us bigint,
    CONSTRAINT tenants_pkey PRIMARY KEY (tenant)
);

CREATE TABLE tombstones (
    tenant text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    id bytea NOT NULL,
    merged_into bytea,
    created_us bigint NOT NULL,
    reason text COLLATE "C" NOT NULL DEFAULT 'merged',
    CONSTRAINT tombstones_pkey PRIMARY KEY (tenant, revision)
);

CREATE INDEX tombstones_merged ON tombstones USING btree (tenant, merged_into) WHERE (merged_into IS NOT NULL);

CREATE INDEX tombstones_of_id ON tombstones USING btree (tenant, id);

CREATE TABLE unlisted_fields (
    tenant text COLLATE "C" NOT NULL,
    provider text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    callbacks bigint NOT NULL,
    first_us bigint NOT NULL,
    last_us bigint NOT NULL,
    CONSTRAINT unlisted_fields_pkey PRIMARY KEY (tenant, provider, name)
);

CREATE TABLE voice_sessions (
    tenant text COLLATE "C" NOT NULL,
    session_id text COLLATE "C" NOT NULL,
    id bytea NOT NULL,
    created_us bigint NOT NULL,
    status text COLLATE "C" NOT NULL,
    stream_id text COLLATE "C",
    agent_key text COLLATE "C",
    revision bigint NOT NULL,
    record bytea NOT NULL,
    turns_node bytea,
    turns_key bytea,
    functions_node bytea,
    functions_key bytea,
    CONSTRAINT voice_sessions_pkey PRIMARY KEY (tenant, session_id, id)
);

CREATE INDEX voice_sessions_listed ON voice_sessions USING btree (tenant, created_us, session_id, id) INCLUDE (status);

CREATE INDEX voice_sessions_of_agent ON voice_sessions USING btree (tenant, agent_key, created_us) WHERE (agent_key IS NOT NULL);

CREATE INDEX voice_sessions_of_call ON voice_sessions USING btree (tenant, id);

CREATE INDEX voice_sessions_of_stream ON voice_sessions USING btree (tenant, stream_id) WHERE (stream_id IS NOT NULL);

CREATE TABLE webhook_endpoints (
    tenant text COLLATE "C" NOT NULL,
    endpoint bytea NOT NULL,
    url text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    form text COLLATE "C" NOT NULL,
    events text COLLATE "C" NOT NULL,
    direction text COLLATE "C",
    route text COLLATE "C",
    agent text COLLATE "C",
    sealed bytea NOT NULL,
    previous bytea,
    previous_until_us bigint,
    state text COLLATE "C" NOT NULL,
    reason text COLLATE "C",
    failing_since_us bigint,
    taken bigint NOT NULL,
    created_us bigint NOT NULL,
    updated_us bigint NOT NULL,
    sees_numbers smallint NOT NULL DEFAULT 1,
    CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (tenant, endpoint)
);
