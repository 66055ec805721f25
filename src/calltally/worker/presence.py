"""Presence of this worker: its reports; and the watch of a process that has no worker of its own."""

import asyncio
from typing import Final

from calltally.calls.errors import CalltallyError
from calltally.logs import errors_logged, get_logger
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock
from calltally.store.maintenance.worker_presence import (
    admin_missing_worker,
    missing_worker_text,
    report_worker,
)
from calltally.worker.dependencies import WorkerDependencies
from calltally.worker.throttle import wait_for_stop

_REPORT_EVERY_S: Final = 20.0
_WATCH_EVERY_S: Final = 60.0

log: Final = get_logger(__name__)


class PresenceReporter:
    """Reports every 20 seconds that this worker runs, until `stop` is set."""

    def __init__(self, dependencies: WorkerDependencies, stop: asyncio.Event) -> None:
        self._dependencies = dependencies
        self._stop = stop

    async def run(self) -> None:
        """Report at once, then repeatedly. A database that does not respond is logged."""
        pause_s = 0.0
        while not await wait_for_stop(self._stop, pause_s):
            await self.report()
            pause_s = _REPORT_EVERY_S

    async def report(self) -> None:
        report = report_worker(self._dependencies.holder, self._dependencies.clock())
        with errors_logged(log.warning, "a worker cannot report", CalltallyError):
            await self._dependencies.store.write(report)


async def watch_for_worker(store: Store, clock: Clock, stop: asyncio.Event) -> None:
    """Log each minute that work waits and no worker runs, until `stop` is set."""
    while not await wait_for_stop(stop, _WATCH_EVERY_S):
        await warn_of_missing_worker(store, clock())


async def warn_of_missing_worker(store: Store, now_us: int) -> None:
    """Log a missing worker. A database that does not respond is logged by others."""
    with errors_logged(log.debug, "the workers' reports cannot be read", CalltallyError):
        if missing := await store.read(admin_missing_worker(now_us)):
            log.warning("no background worker runs", detail=missing_worker_text(missing))
