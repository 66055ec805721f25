-- Sessions: the conversation of a call with its agent.

-- The transcript and the function calls that a fact tells, compressed: beside it, so that they go with it.
ALTER TABLE facts ADD COLUMN conversation BLOB;

-- A session of a call, folded from that call's facts and written with it. Which facts have its turns and its function
-- calls is said by their keys.
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
CREATE INDEX voice_sessions_of_call ON voice_sessions (tenant, id);
CREATE INDEX voice_sessions_of_stream ON voice_sessions (tenant, stream_id) WHERE stream_id IS NOT NULL;
CREATE INDEX voice_sessions_of_agent ON voice_sessions (tenant, agent_key, created_us) WHERE agent_key IS NOT NULL;

-- Tenants whose calls are to be folded anew, since the fold changed, and behind which id that goes on.
CREATE TABLE refolds (
    tenant TEXT NOT NULL,
    after_id BLOB NOT NULL,
    PRIMARY KEY (tenant)
) STRICT, WITHOUT ROWID;
INSERT INTO refolds (tenant, after_id) SELECT tenant, x'' FROM ledger_heads WHERE revision > 0;

-- What they pinned is no longer what the fold gives: they are pinned anew, and 410 in the midst of their pages.
UPDATE holds SET revision = -1;
