-- name: add_job
INSERT INTO jobs (
    tenant, job, kind, state, spec, progress, outcome, checked, turns, tries, waits, due_us, reason,
    created_us, updated_us, expires_us, cleared_us
)
VALUES (
    :tenant, :job, :kind, 'queued', :spec, :progress, NULL, :checked, 0, 0, 0, :now_us, NULL,
    :now_us, :now_us, NULL, NULL
)
ON CONFLICT (tenant, job) DO NOTHING
RETURNING job;

-- name: job_of_id
SELECT job, kind, state, spec, progress, outcome, checked, turns, tries, waits, reason,
    created_us, updated_us, expires_us, cleared_us
FROM jobs WHERE tenant = :tenant AND job = :job;

-- name: list_jobs
-- Jobs of one kind, newest first.
SELECT job, kind, state, spec, progress, outcome, checked, turns, tries, waits, reason,
    created_us, updated_us, expires_us, cleared_us
FROM jobs WHERE tenant = :tenant AND kind = :kind
ORDER BY created_us DESC, job DESC LIMIT :most OFFSET :skip;

-- name: count_jobs
SELECT count(*) FROM jobs WHERE tenant = :tenant AND kind = :kind;

-- name: count_open_jobs
SELECT count(*) FROM jobs WHERE tenant = :tenant AND state IN ('queued', 'running');

-- name: admin_tenants_with_open_jobs
-- Tenants with waiting or unfinished jobs of a kind.
SELECT DISTINCT tenant FROM jobs
WHERE state IN ('queued', 'running') AND kind = :kind AND due_us <= :now_us ORDER BY tenant;

-- name: admin_count_waiting_jobs
-- Number of open jobs that were due at a time, and have not run since.
SELECT count(*) FROM jobs WHERE state IN ('queued', 'running') AND due_us <= :due_us AND updated_us <= :due_us;

-- name: next_job
-- Job of a kind that has waited longest to run, so that several jobs alternate.
SELECT job, kind, state, spec, progress, outcome, checked, turns, tries, waits, reason,
    created_us, updated_us, expires_us, cleared_us
FROM jobs WHERE tenant = :tenant AND state IN ('queued', 'running') AND kind = :kind AND due_us <= :now_us
ORDER BY updated_us, job LIMIT 1;

-- name: begin_job
-- Start a new run; writes of earlier runs are refused from now on.
UPDATE jobs SET state = 'running', turns = turns + 1, tries = tries + 1, updated_us = :now_us
WHERE tenant = :tenant AND job = :job AND state IN ('queued', 'running')
RETURNING job, kind, state, spec, progress, outcome, checked, turns, tries, waits, reason,
    created_us, updated_us, expires_us, cleared_us;

-- name: keep_job
-- Progress of a job, unless it ended or another worker runs it meanwhile.
UPDATE jobs
SET progress = :progress, checked = :checked, tries = 0, waits = 0, reason = NULL, updated_us = :now_us
WHERE tenant = :tenant AND job = :job AND turns = :turn AND state = 'running'
RETURNING job;

-- name: wait_job!
-- The run ended because a service did not respond: it does not count, and the next run comes later.
UPDATE jobs SET tries = tries - 1, waits = waits + 1, reason = :reason, due_us = :due_us
WHERE tenant = :tenant AND job = :job AND turns = :turn AND state = 'running' AND tries > 0;

-- name: leave_job!
-- The run ended with a regular stop of its worker: it does not count.
UPDATE jobs SET tries = tries - 1
WHERE tenant = :tenant AND job = :job AND turns = :turn AND state = 'running' AND tries > 0;

-- name: is_job_in_turn
SELECT job FROM jobs WHERE tenant = :tenant AND job = :job AND turns = :turn AND state = 'running';

-- name: end_job
UPDATE jobs SET state = :state, outcome = :outcome, updated_us = :now_us, expires_us = :expires_us
WHERE tenant = :tenant AND job = :job AND turns = :turn AND state = 'running'
RETURNING job;

-- name: cancel_job!
UPDATE jobs SET state = 'canceled', updated_us = :now_us, expires_us = :expires_us
WHERE tenant = :tenant AND job = :job AND state IN ('queued', 'running');

-- name: expire_job
UPDATE jobs SET state = 'expired', updated_us = :now_us, expires_us = :expires_us
WHERE tenant = :tenant AND job = :job AND state = 'complete'
RETURNING job;

-- name: note_checked!
-- Last revision with erasures checked in the files of a job; it never moves back.
UPDATE jobs SET checked = :checked WHERE tenant = :tenant AND job = :job AND checked < :checked;

-- name: clear_job!
UPDATE jobs SET cleared_us = :now_us WHERE tenant = :tenant AND job = :job;

-- name: drop_job!
DELETE FROM jobs WHERE tenant = :tenant AND job = :job;

-- name: complete_jobs
-- Jobs with files, and the expiry of the files.
SELECT job, kind, state, spec, progress, outcome, checked, turns, tries, waits, reason,
    created_us, updated_us, expires_us, cleared_us
FROM jobs WHERE tenant = :tenant AND state = 'complete' ORDER BY job;

-- name: jobs_to_clear
-- Ended jobs whose files can still exist.
SELECT job FROM jobs
WHERE tenant = :tenant AND cleared_us IS NULL AND state IN ('failed', 'canceled', 'expired')
ORDER BY job LIMIT :most;

-- name: jobs_to_drop
-- Jobs without files that are no longer kept.
SELECT job FROM jobs
WHERE tenant = :tenant AND cleared_us IS NOT NULL AND expires_us <= :now_us
ORDER BY job LIMIT :most;

-- name: put_job_file!
INSERT INTO job_files (tenant, job, place, name, kept_as, content_type, line_count, byte_count, sha256)
VALUES (:tenant, :job, :position, :name, :stored_name, :content_type, :rows, :size, :sha256)
ON CONFLICT (tenant, job, place) DO UPDATE
SET name = excluded.name, kept_as = excluded.kept_as, content_type = excluded.content_type,
    line_count = excluded.line_count, byte_count = excluded.byte_count, sha256 = excluded.sha256;

-- name: files_of_job
SELECT place, name, kept_as, content_type, line_count, byte_count, sha256
FROM job_files WHERE tenant = :tenant AND job = :job ORDER BY place;

-- name: file_of_job
SELECT place, name, kept_as, content_type, line_count, byte_count, sha256
FROM job_files WHERE tenant = :tenant AND job = :job AND name = :name;

-- name: drop_job_files!
DELETE FROM job_files WHERE tenant = :tenant AND job = :job;

-- name: erased_between
-- Ids erased after a revision, up to another.
SELECT revision, id FROM tombstones
WHERE tenant = :tenant AND revision > :after AND revision <= :upto AND reason <> 'merged'
ORDER BY revision LIMIT :most;
