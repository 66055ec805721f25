"""Dependencies of the background work."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from calltally.alerts.evaluation.evaluator import AlertEvaluator
from calltally.alerts.notify.notifier import Notifier
from calltally.deliveries.dependencies import DeliveryDependencies
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock
from calltally.store.jobs.folders import JobFolders
from calltally.store.jobs.jobs import JobKind
from calltally.store.jobs.running_job import JobRunner

# From a tenant, a provider, SIDs of stuck calls and the time to the number of calls that changed.
PollProvider: TypeAlias = Callable[[str, str, Sequence[str], int], Awaitable[int]]


class AlertDependencies(NamedTuple):
    """Evaluator and notifier of the alerts, and the poll of providers about stuck calls."""

    evaluator: AlertEvaluator
    notifier: Notifier
    poll_provider: PollProvider | None = None


@dataclass(frozen=True, kw_only=True)
class WorkerDependencies:
    """Dependencies of the background work.

    `keep_us` is the maximum age of a snapshot, `interval_s` the pause between rounds, `holder` a name that no
    other worker has. `clock` is the wall clock, `steady` a monotonic one, both in microseconds. `chance`
    returns a number from 0 to 1, so that workers do not run in step. `folders` holds the files of jobs, None
    if no jobs are run. `files_us` is the retention of a finished job's files, and `runners` run the jobs of
    each kind. Without `alerts`, no alerts are evaluated. `deliveries` are the dependencies of deliveries,
    None if this process makes none. `events_us` is the retention of events and deliveries, `alerts_us` of
    resolved alerts (None: forever).
    """

    store: Store
    keep_us: int
    interval_s: float
    holder: str
    clock: Clock
    steady: Clock
    chance: Callable[[], float]
    folders: JobFolders | None = None
    files_us: int = 0
    alerts: AlertDependencies | None = None
    deliveries: DeliveryDependencies | None = None
    events_us: int = 0
    alerts_us: int | None = None
    runners: Mapping[JobKind, JobRunner] = field(default_factory=dict)
