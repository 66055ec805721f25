"""Jobs: work of a tenant that takes long, what came of it, and the files that it left.

A job moves forward only: queued, running, then complete, failed or canceled; complete becomes expired when
its files go. What it is asked for, how far it is and what came of it are JSON of its kind, opaque here.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from calltally.calls.errors import NotFound, TooManyRequests
from calltally.calls.times import DAY_US
from calltally.store.db.operation import Row, Statement, StoreOperation

# More than that may wait for nobody: each is a scan of the ledger and a file on the disk.
MOST_OPEN: Final = 20
_RETRY_AFTER_S: Final = 60
# For so long it can be looked up what became of a job that somebody ended.
FORGOTTEN_AFTER_US: Final = 7 * DAY_US


class Kind(StrEnum):
    """What a job does."""

    EXPORT = "export"
    RECONCILIATION = "reconciliation"


class State(StrEnum):
    """Where a job is. The first two are open."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


OPEN: Final = frozenset({State.QUEUED, State.RUNNING})


class NewJob(NamedTuple):
    """A job to add: its id of 16 bytes, what it is to do, and the revision that it is as of."""

    job: bytes
    kind: Kind
    spec: bytes
    checked: int
    progress: bytes = b"{}"


class Job(NamedTuple):
    """A job as it is stored.

    `checked` is the revision up to which its files hold no call that was erased. `turns` is how often it was
    taken up, and so the number of its last turn; `tries` how often since it last got on without a word of how
    that ended, `waits` how often in vain since something did not answer, last for this `reason`. `expires_us`
    is when a complete job's files go, and when any other that ended is forgotten; `cleared_us` when its files
    went.
    """

    job: bytes
    kind: Kind
    state: State
    spec: bytes
    progress: bytes
    outcome: bytes | None
    checked: int
    turns: int
    tries: int
    waits: int
    reason: str | None
    created_us: int
    updated_us: int
    expires_us: int | None
    cleared_us: int | None

    @property
    def is_open(self) -> bool:
        """Whether a worker has still to do something."""
        return self.state in OPEN


class JobFile(NamedTuple):
    """A file of a job that is whole, `kept_as` in the job's folder; `size` in bytes, `sha256` of 32 bytes."""

    place: int
    name: str
    kept_as: str
    content_type: str
    rows: int
    size: int
    sha256: bytes


def add_job(tenant: str, new: NewJob, now_us: int) -> StoreOperation[Job]:
    """Queue a job, unless there is one of that id; returns whichever is there then.

    Raises TooManyRequests where too many are open.
    """
    yield from check_open_jobs(tenant)
    said = {**new._asdict(), "kind": new.kind.value}
    yield Statement("add_job", {"tenant": tenant, **said, "now_us": now_us})
    return (yield from need_job(tenant, new.job))


def check_open_jobs(tenant: str) -> StoreOperation[None]:
    """Raise TooManyRequests where so many are open that no more may be added."""
    [(count,)] = yield Statement("count_open_jobs", {"tenant": tenant})
    if count >= MOST_OPEN:
        message = f"{count} jobs of this tenant wait or run already, and no more may; cancel one, or wait"
        raise TooManyRequests(message, _RETRY_AFTER_S)


def find_job(tenant: str, job: bytes) -> StoreOperation[Job | None]:
    """The tenant's job of that id."""
    rows = yield Statement("job_of_id", {"tenant": tenant, "job": job})
    return job_of(rows[0]) if rows else None


def need_job(tenant: str, job: bytes) -> StoreOperation[Job]:
    """The tenant's job of that id; raises NotFound."""
    found = yield from find_job(tenant, job)
    if found is None:
        raise NotFound("there is no job of that id; what has ended is forgotten after a while")
    return found


def list_jobs(tenant: str, kind: Kind, *, limit: int, offset: int) -> StoreOperation[tuple[list[Job], int]]:
    """A page of a tenant's jobs of one kind, newest first; and how many there are in all."""
    of_kind = {"tenant": tenant, "kind": kind.value}
    rows = yield Statement("list_jobs", {**of_kind, "most": limit, "skip": offset})
    [(total,)] = yield Statement("count_jobs", of_kind)
    return [job_of(row) for row in rows], total


def files_of(tenant: str, job: bytes) -> StoreOperation[list[JobFile]]:
    """The files of a job that are whole, in the order in which they were written."""
    rows = yield Statement("files_of_job", {"tenant": tenant, "job": job})
    return [JobFile(*row) for row in rows]


def file_of(tenant: str, job: bytes, name: str) -> StoreOperation[JobFile | None]:
    """The file of that name."""
    rows = yield Statement("file_of_job", {"tenant": tenant, "job": job, "name": name})
    return JobFile(*rows[0]) if rows else None


def admin_tenants_with_open_jobs(kind: Kind, now_us: int) -> StoreOperation[list[str]]:
    """Whose jobs of one kind wait, or have to be gone on with, by now."""
    rows = yield Statement("admin_tenants_with_open_jobs", {"kind": kind.value, "now_us": now_us})
    return [tenant for (tenant,) in rows]


def next_job(tenant: str, kind: Kind, now_us: int) -> StoreOperation[Job | None]:
    """The open job of one kind that has waited longest for its turn, of those that are due."""
    rows = yield Statement("next_job", {"tenant": tenant, "kind": kind.value, "now_us": now_us})
    return job_of(rows[0]) if rows else None


def begin_job(tenant: str, job: bytes, now_us: int) -> StoreOperation[Job | None]:
    """Take an open job up; returns it as it is in the new turn `turns`, None where it ended meanwhile.

    From then on nothing of an earlier turn is taken, whoever had it.
    """
    rows = yield Statement("begin_job", {"tenant": tenant, "job": job, "now_us": now_us})
    return job_of(rows[0]) if rows else None


class Kept(NamedTuple):
    """How far a job is, up to which revision its files are free of erased calls, and what of them is whole.

    With `afresh` the files from before are forgotten first.
    """

    progress: bytes
    checked: int
    files: Sequence[JobFile] = ()
    afresh: bool = False


def keep_job(tenant: str, job: bytes, kept: Kept, now_us: int, *, turn: int) -> StoreOperation[bool]:
    """Note how far a job is; False where it is in that turn no more, and nothing was noted."""
    of_job = {"tenant": tenant, "job": job}
    noted = {"turn": turn, "progress": kept.progress, "checked": kept.checked, "now_us": now_us}
    if not (yield Statement("keep_job", {**of_job, **noted})):
        return False
    if kept.afresh:
        yield Statement("drop_job_files", of_job)
    for file in kept.files:
        yield Statement("put_job_file", {**of_job, **_columns(file)})
    return True


def wait_job(tenant: str, job: Job, reason: str, due_us: int) -> StoreOperation[None]:
    """Have a job's turn not count, since something did not answer; the next is no sooner than `due_us`."""
    said = {"turn": job.turns, "reason": reason, "due_us": due_us}
    yield Statement("wait_job", {"tenant": tenant, "job": job.job, **said})


def leave_job(tenant: str, job: Job) -> StoreOperation[None]:
    """Have a job's turn not count, since its worker is to stop."""
    yield Statement("leave_job", {"tenant": tenant, "job": job.job, "turn": job.turns})


def is_in_turn(tenant: str, job: Job) -> StoreOperation[bool]:
    """Whether a job is still in the turn that it was taken up for."""
    asked = {"tenant": tenant, "job": job.job, "turn": job.turns}
    return bool((yield Statement("is_job_in_turn", asked)))


class End(NamedTuple):
    """How an open job ends: in which state, with what, and until when that is kept."""

    state: State
    outcome: bytes | None
    expires_us: int


def end_job(tenant: str, job: bytes, end: End, now_us: int, *, turn: int) -> StoreOperation[bool]:
    """End a job; False where it is in that turn no more, and stays as it was."""
    said = {**end._asdict(), "state": end.state.value, "turn": turn, "now_us": now_us}
    return bool((yield Statement("end_job", {"tenant": tenant, "job": job, **said})))


def expire_job(tenant: str, job: bytes, *, now_us: int, forget_us: int) -> StoreOperation[bool]:
    """Have a complete job's files be gone from now on; the rest is forgotten at `forget_us`."""
    params = {"tenant": tenant, "job": job, "now_us": now_us, "expires_us": forget_us}
    return bool((yield Statement("expire_job", params)))


def let_go(tenant: str, job: bytes, now_us: int) -> StoreOperation[None]:
    """Cancel a job that is open; have the files of a complete one be gone. Any other stays as it is."""
    forget_us = now_us + FORGOTTEN_AFTER_US
    said = {"now_us": now_us, "expires_us": forget_us}
    yield Statement("cancel_job", {"tenant": tenant, "job": job, **said})
    yield from expire_job(tenant, job, now_us=now_us, forget_us=forget_us)


def _columns(file: JobFile) -> dict[str, Any]:
    columns = file._asdict()
    return columns | {"line_count": columns.pop("rows"), "byte_count": columns.pop("size")}


def job_of(row: Row) -> Job:
    """A row of the table, its columns in the order of Job's fields."""
    job, kind, state, *rest = row
    return Job(job, Kind(kind), State(state), *rest)
