"""Work of all tenants that waits or was given up, for metrics. Counts have limits, to stay cheap."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from calltally.store.db.operation import Statement, StoreOperation

_MOST_DELIVERIES: Final = 10_000
# A letter can be large, and settled ones are read too.
_MOST_LETTERS: Final = 1_000


class OpenJobs(NamedTuple):
    """Jobs of a kind and state that have not ended."""

    kind: str
    state: str
    number: int
    oldest_us: int


class Backlog(NamedTuple):
    """Backlog at one time. Without a delivery or lease its time is None."""

    waiting_deliveries: int
    dead_deliveries: int
    earliest_delivery_us: int | None
    jobs: Sequence[OpenJobs]
    notifications: int
    dead_letters: int
    leases: int
    expired_leases: int
    earliest_expiry_us: int | None


def admin_backlog(now_us: int) -> StoreOperation[Backlog]:
    """Count the waiting work of all tenants."""
    most = {"most": _MOST_DELIVERIES}
    [(waiting,)] = yield Statement("admin_count_waiting", most)
    [(dead,)] = yield Statement("admin_count_dead", most)
    [(earliest_us,)] = yield Statement("admin_earliest_delivery", {})
    jobs = yield Statement("admin_open_jobs", {})
    [(notifications,)] = yield Statement("admin_count_notifications", {})
    [(letters,)] = yield Statement("admin_count_waiting_letters", {"most": _MOST_LETTERS})
    [leases] = yield Statement("admin_leases", {"now_us": now_us})
    open_jobs = [OpenJobs(*row) for row in jobs]
    return Backlog(waiting, dead, earliest_us, open_jobs, notifications, letters, *leases)
