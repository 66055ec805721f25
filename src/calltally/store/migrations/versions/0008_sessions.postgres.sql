-- Sessions: the conversation of a call with its agent.

-- A session of a call, folded from that call's facts and written with it. Which facts have its turns and its function
-- calls is said by their keys.
CREATE TABLE voice_sessions (
    tenant TEXT COLLATE "C" NOT NULL,
    session_id TEXT COLLATE "C" NOT NULL,
    id BYTEA NOT NULL,
    created_us BIGINT NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    stream_id TEXT COLLATE "C",
    agent_key TEXT COLLATE "C",
    revision BIGINT NOT NULL,
    record BYTEA NOT NULL,
    turns_node BYTEA,
    turns_key BYTEA,
    functions_node BYTEA,
    functions_key BYTEA,
    PRIMARY KEY (tenant, session_id, id)
);
CREATE INDEX voice_sessions_listed ON voice_sessions (tenant, created_us, session_id, id) INCLUDE (status);
CREATE INDEX voice_sessions_of_call ON voice_sessions (tenant, id);
CREATE INDEX voice_sessions_of_stream ON voice_sessions (tenant, stream_id) WHERE stream_id IS NOT NULL;
CREATE INDEX voice_sessions_of_agent ON voice_sessions (tenant, agent_key, created_us) WHERE agent_key IS NOT NULL;

-- Tenants whose calls are to be folded anew, since the fold changed, and behind which id that goes on.
CREATE TABLE refolds (
    tenant TEXT COLLATE "C" NOT NULL,
    after_id BYTEA NOT NULL,
    PRIMARY KEY (tenant)
);
INSERT INTO refolds (tenant, after_id) SELECT tenant, ''::bytea FROM ledger_heads WHERE revision > 0;

-- What they pinned is no longer what the fold gives: they are pinned anew, and 410 in the midst of their pages.
UPDATE holds SET revision = -1;

-- From here on readers are kept out as well, for a moment: no row is rewritten.
LOCK TABLE facts IN ACCESS EXCLUSIVE MODE;

-- The transcript and the function calls that a fact tells, compressed: beside it, so that they go with it.
ALTER TABLE facts ADD COLUMN conversation BYTEA;
