-- Work that takes long and is asked for by HTTP: bulk exports, reconciliations.

-- kind: export or reconciliation. state: queued, running, complete, failed, canceled or expired; it moves forward only.
-- spec, progress and outcome are JSON that only the code of the kind reads: what was asked for, how far it is (what a
-- worker needs to go on where another one ended), and what came of it (null while it is open).
-- checked is the revision up to which erasures were looked for in its files. turns counts how often it was taken up, and
-- never goes back: whoever has not the last turn may change nothing. tries counts those turns since it last got on whose
-- worker said nothing of their end; waits those since then that ended because something did not answer, the last of it for
-- this reason; it is taken up again no sooner than due_us. expires_us: when a complete job's files go, or any other that has
-- ended is forgotten. cleared_us: when the files went.
CREATE TABLE jobs (
    tenant TEXT COLLATE "C" NOT NULL,
    job BYTEA NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    spec BYTEA NOT NULL,
    progress BYTEA NOT NULL,
    outcome BYTEA,
    checked BIGINT NOT NULL,
    turns BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    waits BIGINT NOT NULL,
    due_us BIGINT NOT NULL,
    reason TEXT COLLATE "C",
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    expires_us BIGINT,
    cleared_us BIGINT,
    PRIMARY KEY (tenant, job)
);
CREATE INDEX jobs_listed ON jobs (tenant, kind, created_us, job);
CREATE INDEX jobs_open ON jobs (tenant, updated_us, job) WHERE state IN ('queued', 'running');

-- The files of a job that are whole. Their bytes are in the files folder, under its tenant and id, as kept_as.
CREATE TABLE job_files (
    tenant TEXT COLLATE "C" NOT NULL,
    job BYTEA NOT NULL,
    place BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    kept_as TEXT COLLATE "C" NOT NULL,
    content_type TEXT COLLATE "C" NOT NULL,
    line_count BIGINT NOT NULL,
    byte_count BIGINT NOT NULL,
    sha256 BYTEA NOT NULL,
    PRIMARY KEY (tenant, job, place)
);

-- Which ids became part of a call: whoever erases it erases what was told under those as well.
CREATE INDEX tombstones_merged ON tombstones (tenant, merged_into) WHERE merged_into IS NOT NULL;

-- The oldest release, by its schema, that runs on this one.
UPDATE schema_support SET oldest = '0002';
