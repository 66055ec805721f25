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

-- The files of a job that are whole. Their bytes are in the files folder, under its tenant and id, as kept_as.
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

-- Which ids became part of a call: whoever erases it erases what was told under those as well.
CREATE INDEX tombstones_merged ON tombstones (tenant, merged_into) WHERE merged_into IS NOT NULL;

-- The oldest release, by its schema, that runs on this one.
UPDATE schema_support SET oldest = '0002';
