"""All background work of a process: rounds of upkeep, and jobs beside them."""

import asyncio

from calltally.deliveries.dispatcher import Deliverer
from calltally.worker.alerting import AlertWorker
from calltally.worker.dependencies import Means
from calltally.worker.job_loop import JobWorker
from calltally.worker.maintenance import Worker


class Background:
    """Works until `stop` is set. `jobs` are those of each kind, none without a folder for files."""

    def __init__(self, means: Means, stop: asyncio.Event) -> None:
        self.rounds = Worker(means, stop)
        self.deliverer = Deliverer(means.sending, stop) if means.sending else None
        folders = means.folders
        self.alerts = AlertWorker(means, means.alerts, stop) if means.alerts else None
        self.jobs = [JobWorker(means, folders, stop, kind) for kind in means.runners] if folders else []

    async def run(self) -> None:
        """All at once, since none may hold up the others."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.rounds.run())
            if self.alerts is not None:
                group.create_task(self.alerts.run())
            if self.deliverer is not None:
                group.create_task(self.deliverer.run())
            for jobs in self.jobs:
                group.create_task(jobs.run())
