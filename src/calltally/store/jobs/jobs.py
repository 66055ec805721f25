"""Jobs: long-running work of a tenant, with its outcome and its files.

The state of a job only moves forward: queued, running, then complete, failed or canceled; complete becomes
expired when its files are deleted. Spec, progress and outcome are JSON of the kind of job, opaque here.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from calltally.calls.errors import NotFound, TooManyRequests
from calltally.calls.times import DAY_US
from calltally.store.db.operation import Row, Statement, StoreOperation

# Maximum of open jobs per tenant: each is a scan of the ledger and a file on the disk.
MAX_OPEN_JOBS: Final = 20
_RETRY_AFTER_S: Final = 60
# Time for which a job that a client ended can still be read.
KEEP_ENDED_US: Final = 7 * DAY_US


class JobKind(StrEnum):
    """Kind of work that a job does."""

    EXPORT = "export"
    RECONCILIATION = "reconciliation"


class JobState(StrEnum):
    """State of a job. The first two are open."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


OPEN_STATES: Final = frozenset({JobState.QUEUED, JobState.RUNNING})


class NewJob(NamedTuple):
    """A job to add: its id of 16 bytes, its kind and spec, and the revision that it reads."""

    job: bytes
    kind: JobKind
    spec: bytes
    checked: int
    progress: bytes = b"{}"


class Job(NamedTuple):
    """A job as it is stored.

    `checked` is the revision up to which its files contain no erased call. `run_number` counts the runs of
    the job, and so numbers the last one. `tries` counts the runs since the last progress that ended without a
    result, `waits` the runs that failed for an unavailable dependency, last for this `reason`. `expires_us`
    is the time at which a complete job's files, or another ended job, are deleted; `cleared_us` is the time
    at which its files were deleted.
    """

    job: bytes
    kind: JobKind
    state: JobState
    spec: bytes
    progress: bytes
    outcome: bytes | None
    checked: int
    run_number: int
    tries: int
    waits: int
    reason: str | None
    created_us: int
    updated_us: int
    expires_us: int | None
    cleared_us: int | None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES


class JobFile(NamedTuple):
    """A finished file of a job, `stored_name` in the job's folder; `size` in bytes, `sha256` of 32 bytes."""

    position: int
    name: str
    stored_name: str
    content_type: str
    rows: int
    size: int
    sha256: bytes


def add_job(tenant: str, new: NewJob, now_us: int) -> StoreOperation[Job]:
    """Queue a job, unless it exists, and return it. Raises TooManyRequests if too many are open."""
    yield from check_open_jobs(tenant)
    params = {**new._asdict(), "kind": new.kind.value}
    yield Statement("add_job", {"tenant": tenant, **params, "now_us": now_us})
    return (yield from need_job(tenant, new.job))


def check_open_jobs(tenant: str) -> StoreOperation[None]:
    """Raise TooManyRequests if the maximum of open jobs is reached."""
    [(count,)] = yield Statement("count_open_jobs", {"tenant": tenant})
    if count >= MAX_OPEN_JOBS:
        message = f"{count} jobs of this tenant are open, which is the maximum; cancel one, or wait"
        raise TooManyRequests(message, _RETRY_AFTER_S)


def find_job(tenant: str, job: bytes) -> StoreOperation[Job | None]:
    rows = yield Statement("job_of_id", {"tenant": tenant, "job": job})
    return job_of(rows[0]) if rows else None


def need_job(tenant: str, job: bytes) -> StoreOperation[Job]:
    """Return the tenant's job with that id. Raises NotFound."""
    found = yield from find_job(tenant, job)
    if found is None:
        raise NotFound("there is no job with that id; ended jobs are deleted after a while")
    return found


def list_jobs(
    tenant: str, kind: JobKind, *, limit: int, offset: int
) -> StoreOperation[tuple[list[Job], int]]:
    """Return a page of a tenant's jobs of one kind, newest first, and the total number."""
    of_kind = {"tenant": tenant, "kind": kind.value}
    rows = yield Statement("list_jobs", {**of_kind, "most": limit, "skip": offset})
    [(total,)] = yield Statement("count_jobs", of_kind)
    return [job_of(row) for row in rows], total


def files_of(tenant: str, job: bytes) -> StoreOperation[list[JobFile]]:
    """Return the finished files of a job, in the order in which they were written."""
    rows = yield Statement("files_of_job", {"tenant": tenant, "job": job})
    return [JobFile(*row) for row in rows]


def file_of(tenant: str, job: bytes, name: str) -> StoreOperation[JobFile | None]:
    rows = yield Statement("file_of_job", {"tenant": tenant, "job": job, "name": name})
    return JobFile(*rows[0]) if rows else None


def admin_tenants_with_open_jobs(kind: JobKind, now_us: int) -> StoreOperation[list[str]]:
    """Return the tenants with open jobs of one kind that are due."""
    rows = yield Statement("admin_tenants_with_open_jobs", {"kind": kind.value, "now_us": now_us})
    return [tenant for (tenant,) in rows]


def next_job(tenant: str, kind: JobKind, now_us: int) -> StoreOperation[Job | None]:
    """Find the due open job of one kind that has waited longest to run."""
    rows = yield Statement("next_job", {"tenant": tenant, "kind": kind.value, "now_us": now_us})
    return job_of(rows[0]) if rows else None


def start_job(tenant: str, job: bytes, now_us: int) -> StoreOperation[Job | None]:
    """Start a run of an open job, which ends earlier runs. Returns None if the job ended meanwhile."""
    rows = yield Statement("begin_job", {"tenant": tenant, "job": job, "now_us": now_us})
    return job_of(rows[0]) if rows else None


class SavedProgress(NamedTuple):
    """Progress of a job, the revision up to which its files contain no erased call, and its finished files.

    With `clears_files` the rows of earlier files are deleted first.
    """

    progress: bytes
    checked: int
    files: Sequence[JobFile] = ()
    clears_files: bool = False


def save_progress(
    tenant: str, job: bytes, progress: SavedProgress, now_us: int, *, run_number: int
) -> StoreOperation[bool]:
    """Save the progress of a job. Return False, saving nothing, if that run is not the current one."""
    key = {"tenant": tenant, "job": job}
    values = {"progress": progress.progress, "checked": progress.checked, "now_us": now_us}
    if not (yield Statement("keep_job", {**key, **values, "turn": run_number})):
        return False
    if progress.clears_files:
        yield Statement("drop_job_files", key)
    for file in progress.files:
        yield Statement("put_job_file", {**key, **file._asdict()})
    return True


def postpone_job(tenant: str, job: Job, reason: str, due_us: int) -> StoreOperation[None]:
    """Postpone a job until `due_us` because a dependency is unavailable; the run does not count."""
    params = {"turn": job.run_number, "reason": reason, "due_us": due_us}
    yield Statement("wait_job", {"tenant": tenant, "job": job.job, **params})


def hand_back_job(tenant: str, job: Job) -> StoreOperation[None]:
    """Give a job back because its worker stops; the run does not count."""
    yield Statement("leave_job", {"tenant": tenant, "job": job.job, "turn": job.run_number})


def is_run_current(tenant: str, job: Job) -> StoreOperation[bool]:
    params = {"tenant": tenant, "job": job.job, "turn": job.run_number}
    return bool((yield Statement("is_job_in_turn", params)))


class JobEnd(NamedTuple):
    """End of an open job: its state and outcome, and the time until which they are kept."""

    state: JobState
    outcome: bytes | None
    expires_us: int


def end_job(tenant: str, job: bytes, end: JobEnd, now_us: int, *, run_number: int) -> StoreOperation[bool]:
    """End a job. Return False, changing nothing, if that run is not the current one."""
    params = {**end._asdict(), "state": end.state.value, "turn": run_number, "now_us": now_us}
    return bool((yield Statement("end_job", {"tenant": tenant, "job": job, **params})))


def expire_job(tenant: str, job: bytes, *, now_us: int, forget_us: int) -> StoreOperation[bool]:
    """Expire the files of a complete job now; the job itself is deleted at `forget_us`."""
    params = {"tenant": tenant, "job": job, "now_us": now_us, "expires_us": forget_us}
    return bool((yield Statement("expire_job", params)))


def cancel_or_expire(tenant: str, job: bytes, now_us: int) -> StoreOperation[None]:
    """Cancel an open job, or expire the files of a complete one. Other jobs stay unchanged."""
    forget_us = now_us + KEEP_ENDED_US
    params = {"now_us": now_us, "expires_us": forget_us}
    yield Statement("cancel_job", {"tenant": tenant, "job": job, **params})
    yield from expire_job(tenant, job, now_us=now_us, forget_us=forget_us)


def job_of(row: Row) -> Job:
    """Return a job from a row with the columns in the order of its fields."""
    job, kind, state, *rest = row
    return Job(job, JobKind(kind), JobState(state), *rest)
