"""What a worker works with."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from calltally.alerts.evaluation.evaluator import AlertEvaluator
from calltally.alerts.notify.notifier import Notifier
from calltally.deliveries.dependencies import DeliveryDependencies
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock
from calltally.store.jobs.folders import JobFolders
from calltally.store.jobs.jobs import Kind
from calltally.store.jobs.running_job import Runner

# A tenant, its provider, SIDs of calls that are open for too long, and now: how many calls changed by it.
PollProvider: TypeAlias = Callable[[str, str, Sequence[str], int], Awaitable[int]]


class AlertDependencies(NamedTuple):
    """Who judges, who tells of it, and who asks providers of calls that seem to be stuck."""

    evaluator: AlertEvaluator
    notifier: Notifier
    poll_provider: PollProvider | None = None


@dataclass(frozen=True, kw_only=True)
class WorkerDependencies:
    """What a worker works with.

    `keep_us` is how old a snapshot may become, `interval_s` the pause between rounds, `holder` a name that
    no other worker has. `clock` is the wall's, `steady` one that nobody sets back, both in microseconds.
    `chance` gives a number from 0 to 1, so that workers do not march in step. `folders` is where the files
    of jobs lie, None where no jobs are done; `files_us` is for how long those of a job are kept once it is
    done, and `runners` do the jobs of each kind; without `alerts` none is judged. `sending` is what
    deliveries are made with, None where this process makes none; `events_us` is for how long events and
    deliveries are kept, `alerts_us` for how long alerts are that are over, None for ever.
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
    runners: Mapping[Kind, Runner] = field(default_factory=dict)
