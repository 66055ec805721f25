"""Cleanup of ended jobs: deletion of their files, by age or for an erased call, and later of the jobs."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from calltally.store.db.operation import Statement, StatementMany, StoreOperation
from calltally.store.jobs.jobs import Job, JobState, job_of
from calltally.store.snapshots.ledger_head import read_ledger_head

_AT_ONCE: Final = 1_000


class ErasedIds(NamedTuple):
    """Ids of calls erased after a revision, up to `upto`, including ids that were merged into them."""

    ids: frozenset[bytes]
    upto: int


def erased_after(tenant: str, after: int) -> StoreOperation[ErasedIds]:
    """Return the calls erased since `after`, which files written as of that revision must not contain."""
    upto = (yield from read_ledger_head(tenant)).revision
    ids: set[bytes] = set()
    while after < upto:
        params = {"tenant": tenant, "after": after, "upto": upto, "most": _AT_ONCE}
        rows = yield Statement("erased_between", params)
        ids |= yield from _with_former([row[1] for row in rows], tenant)
        after = rows[-1][0] if len(rows) == _AT_ONCE else upto
    return ErasedIds(frozenset(ids), upto)


def _with_former(ids: Sequence[bytes], tenant: str) -> StoreOperation[set[bytes]]:
    """Add the ids that were merged into these, recursively."""
    found: set[bytes] = set()
    fresh = set(ids)
    while fresh:
        found |= fresh
        ids_of_calls = [{"tenant": tenant, "id": call_id} for call_id in sorted(fresh)]
        rows = yield StatementMany("merged_into", ids_of_calls)
        fresh = {row[0] for row in rows} - found
    return found


def save_checked_revision(tenant: str, job: bytes, checked: int) -> StoreOperation[None]:
    """Record that no call in the job's files was erased up to this revision."""
    yield Statement("note_checked", {"tenant": tenant, "job": job, "checked": checked})


def is_cleanup_due(tenant: str, now_us: int) -> StoreOperation[bool]:
    """Decide whether files or jobs have expired, or calls were erased that may be in files."""
    revision = (yield from read_ledger_head(tenant)).revision
    for job in (yield from complete_jobs(tenant)):
        if is_expired(job, now_us):
            return True
        params = {"tenant": tenant, "after": job.checked, "upto": revision, "most": 1}
        if job.checked < revision and (yield Statement("erased_between", params)):
            return True
    if (yield Statement("jobs_to_clear", {"tenant": tenant, "most": 1})):
        return True
    return bool((yield Statement("jobs_to_drop", {"tenant": tenant, "now_us": now_us, "most": 1})))


def is_expired(job: Job, now_us: int) -> bool:
    return job.state is JobState.COMPLETE and job.expires_us is not None and job.expires_us <= now_us


def complete_jobs(tenant: str) -> StoreOperation[list[Job]]:
    rows = yield Statement("complete_jobs", {"tenant": tenant})
    return [job_of(row) for row in rows]


def jobs_to_clear(tenant: str) -> StoreOperation[list[bytes]]:
    """Return the ended jobs whose files may still exist."""
    rows = yield Statement("jobs_to_clear", {"tenant": tenant, "most": _AT_ONCE})
    return [job for (job,) in rows]


def clear_job(tenant: str, job: bytes, now_us: int) -> StoreOperation[None]:
    yield Statement("drop_job_files", {"tenant": tenant, "job": job})
    yield Statement("clear_job", {"tenant": tenant, "job": job, "now_us": now_us})


def drop_old_jobs(tenant: str, now_us: int) -> StoreOperation[int]:
    """Delete jobs that ended long ago. Returns their number."""
    rows = yield Statement("jobs_to_drop", {"tenant": tenant, "now_us": now_us, "most": _AT_ONCE})
    for (job,) in rows:
        yield Statement("drop_job", {"tenant": tenant, "job": job})
    return len(rows)
