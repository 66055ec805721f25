"""Presence of background workers: their last report, and the work that waits while none reports.

Every worker claims the same lease every 20 seconds. One of them holds it, so its time of expiry tells when a
worker last reported, however many run.
"""

from typing import Final, NamedTuple

from calltally.calls.plurals import counted
from calltally.calls.times import SECOND_US, utc_text
from calltally.store.db.leases import Lease, claim
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.tenants.kept_answers import OPERATOR

_JOB: Final = "worker"
_LEASE_US: Final = 60 * SECOND_US
# Age of due work, and of the last report, from which a worker is missing.
GRACE_US: Final = 120 * SECOND_US
# Alerts are evaluated every five minutes, of calls that are a minute old.
_EVALUATED_US: Final = 600 * SECOND_US
_REMEDY: Final = "Start `calltally worker`, or run `calltally serve` without --no-worker."


class WaitingWork(NamedTuple):
    """Due work: tenants with deliveries, jobs, and tenants whose alerts are not evaluated."""

    deliveries: int
    jobs: int
    evaluations: int


class MissingWorker(NamedTuple):
    """Time of the last report of a worker, None if there was none, and the work that waits for one."""

    last_report_us: int | None
    waiting: WaitingWork


def report_worker(holder: str, now_us: int) -> StoreOperation[bool]:
    """Report that a worker runs. Returns False while another worker reports."""
    return claim(Lease(OPERATOR, _JOB, holder), now_us=now_us, until_us=now_us + _LEASE_US)


def admin_last_worker_report(now_us: int) -> StoreOperation[int | None]:
    """Return the time of the last report of any worker, at most `now_us`; None without a report."""
    rows = yield Statement("find_lease", {"tenant": OPERATOR, "job": _JOB})
    return min(rows[0][1] - _LEASE_US, now_us) if rows else None


def admin_waiting_work(now_us: int) -> StoreOperation[WaitingWork]:
    """Count work that was due two minutes ago, new deliveries, and alerts not evaluated for ten minutes."""
    due_us = now_us - GRACE_US
    [(deliveries,)] = yield Statement("admin_count_waiting_deliveries", {"due_us": due_us})
    [(jobs,)] = yield Statement("admin_count_waiting_jobs", {"due_us": due_us})
    params = {"evaluated_us": now_us - _EVALUATED_US}
    [(evaluations,)] = yield Statement("admin_count_waiting_evaluations", params)
    return WaitingWork(deliveries, jobs, evaluations)


def admin_missing_worker(now_us: int) -> StoreOperation[MissingWorker | None]:
    """Return a missing worker: work is due, and none has reported for two minutes. None if all is well."""
    last_us = yield from admin_last_worker_report(now_us)
    if last_us is not None and last_us > now_us - GRACE_US:
        return None
    waiting = yield from admin_waiting_work(now_us)
    return MissingWorker(last_us, waiting) if any(waiting) else None


def missing_worker_text(missing: MissingWorker) -> str:
    """Return the sentence for people: the last report, the waiting work, and the remedy."""
    deliveries, jobs, evaluations = missing.waiting
    kinds = (
        (deliveries, f"webhook deliveries of {counted(deliveries, 'tenant')}"),
        (jobs, counted(jobs, "job")),
        (evaluations, f"alerts of {counted(evaluations, 'tenant')}"),
    )
    work = ", ".join(phrase for count, phrase in kinds if count)
    since = f"since {utc_text(missing.last_report_us)[:19]}Z" if missing.last_report_us is not None else "yet"
    return f"No background worker has reported {since}, and work waits: {work}. {_REMEDY}"
