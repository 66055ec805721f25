"""Endpoints and jobs that need attention."""

from typing import Final, NamedTuple

from calltally.calls.times import DAY_US
from calltally.store.db.operation import Row, Statement, StoreOperation
from calltally.store.jobs.jobs import KEEP_ENDED_US, Job, job_of
from calltally.store.ledger.outbox import event_time, time_of_event

# Deliveries are counted up to this number, so that a long backlog costs no more than a short one.
MOST_COUNTED: Final = 1_000
_MOST_JOBS: Final = 10


class EndpointBacklog(NamedTuple):
    """An endpoint, its number of waiting deliveries and the time of the oldest, and of abandoned ones.

    The numbers stop at MOST_COUNTED. Deliveries were abandoned in the last 24 hours.
    """

    endpoint: bytes
    url: str
    description: str | None
    state: str
    reason: str | None
    failing_since_us: int | None
    waiting: int
    oldest_us: int | None
    abandoned: int


def backlogs_of(tenant: str, now_us: int) -> StoreOperation[list[EndpointBacklog]]:
    """Return all endpoints with their backlogs, in the order of their creation."""
    params = {"tenant": tenant, "since": event_time(now_us - DAY_US), "most": MOST_COUNTED}
    return [_backlog(row) for row in (yield Statement("backlog_of_endpoints", params))]


def _backlog(row: Row) -> EndpointBacklog:
    backlog = EndpointBacklog._make(row)
    oldest: bytes | None = row[-2]
    return backlog._replace(oldest_us=None if oldest is None else time_of_event(oldest))


def jobs_in_trouble(tenant: str, now_us: int) -> StoreOperation[list[Job]]:
    """Return the failed jobs of the last week, and open ones whose last runs had no result, newest first."""
    params = {"tenant": tenant, "since_us": now_us - KEEP_ENDED_US, "most": _MOST_JOBS}
    return [job_of(row) for row in (yield Statement("jobs_in_trouble", params))]
