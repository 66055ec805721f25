"""Background work of a process: maintenance, alerts, deliveries and jobs, concurrently."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from calltally.deliveries.dispatcher import DeliveryDispatcher
from calltally.logs import get_logger
from calltally.worker.alerting import AlertWorker
from calltally.worker.dependencies import WorkerDependencies
from calltally.worker.job_loop import JobWorker
from calltally.worker.maintenance import MaintenanceWorker
from calltally.worker.presence import PresenceReporter
from calltally.worker.throttle import wait_for_stop

_AGAIN_S: Final = 10.0

log: Final = get_logger(__name__)


class BackgroundWork:
    """Workers that run until `stop` is set.

    `jobs` has one worker per kind of job; it is empty if no folder for files is configured.
    """

    def __init__(self, dependencies: WorkerDependencies, stop: asyncio.Event) -> None:
        self._stop = stop
        self.presence = PresenceReporter(dependencies, stop)
        self.rounds = MaintenanceWorker(dependencies, stop)
        self.deliverer = (
            DeliveryDispatcher(dependencies.deliveries, stop) if dependencies.deliveries else None
        )
        folders = dependencies.folders
        self.alerts = AlertWorker(dependencies, dependencies.alerts, stop) if dependencies.alerts else None
        self.jobs = (
            [JobWorker(dependencies, folders, stop, kind) for kind in dependencies.runners] if folders else []
        )

    async def run(self) -> None:
        """Run all of it concurrently, so that no part delays the others."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._go_on("presence", self.presence.run))
            group.create_task(self._go_on("rounds", self.rounds.run))
            if self.alerts is not None:
                group.create_task(self._go_on("alerts", self.alerts.run))
            if self.deliverer is not None:
                group.create_task(self._go_on("deliveries", self.deliverer.run))
            for jobs in self.jobs:
                group.create_task(self._go_on("jobs", jobs.run))

    async def _go_on(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run a part until it ends by itself. After an error, which is logged, it is started again."""
        is_over = False
        while not is_over:
            try:
                await work()
                return
            except Exception:
                log.exception("background work failed; it starts again", work=name, again_in_s=_AGAIN_S)
            is_over = await wait_for_stop(self._stop, _AGAIN_S)
