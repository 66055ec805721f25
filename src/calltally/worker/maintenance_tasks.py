"""Maintenance tasks of a tenant: each with a check that it is due, and its work."""

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

from calltally.calls.times import SECOND_US
from calltally.store.alerts.pruning import AlertAge, has_old_alerts, prune_alerts
from calltally.store.jobs.cleanup import is_cleanup_due
from calltally.store.maintenance.erasure import expire_calls
from calltally.store.rollups.alert_steps import are_steps_old, keep_steps_from, prune_steps
from calltally.store.rollups.quality_multiday import close_next_day, next_open_day
from calltally.store.snapshots.pruning import (
    advance_kept_from,
    is_pruning_due,
    mark_head,
    prune_history,
    prune_holds,
)
from calltally.store.tenants.retention import expire_letters, has_expired
from calltally.store.webhooks.pruning import are_events_due, has_endpoints, prune_events_and_deliveries
from calltally.worker.dependencies import WorkerDependencies
from calltally.worker.job_batches import BatchRunner, TaskRun
from calltally.worker.job_files import JobFileCleanup

HISTORY: Final = "history"
RETENTION: Final = "retention"
UPKEEP: Final = "upkeep of jobs"
EVENTS: Final = "upkeep of events"
STEPS: Final = "old alert steps"
ALERTS: Final = "old alerts"
BLOCKS: Final = "roll-ups of several days"

# A few milliseconds each: writers of calls wait this long.
_PRUNE_BATCH: Final = 500
_EXPIRE_BATCH: Final = 20
# Each has some changes, and evidence of kilobytes.
_ALERT_BATCH: Final = 50
# An import of old calls changes the same days repeatedly: do not roll them up after each round.
_CLOSE_EVERY_US: Final = 3_600 * SECOND_US

_IsDue: TypeAlias = Callable[[TaskRun], Coroutine[Any, Any, bool]]
_Run: TypeAlias = Callable[[TaskRun], Coroutine[Any, Any, None]]


class MaintenanceTask(NamedTuple):
    """A task: a check that only reads, and the work under its lease."""

    is_due: _IsDue
    run: _Run


class MaintenanceTasks:
    """All tasks, by the names of their leases, in the order of a round."""

    def __init__(self, dependencies: WorkerDependencies, batches: BatchRunner) -> None:
        self._dependencies = dependencies
        self._store = dependencies.store
        self._batches = batches.run
        self._closed_us: dict[str, int] = {}
        folders = dependencies.folders
        self._job_files = (
            JobFileCleanup(dependencies.store, folders, dependencies.files_us) if folders else None
        )
        self.by_lease: Mapping[str, MaintenanceTask] = {
            HISTORY: MaintenanceTask(self._is_history_due, self._prune_history),
            RETENTION: MaintenanceTask(self._is_retention_due, self._expire_old_calls),
            # After retention: calls that it erases must not stay in files.
            UPKEEP: MaintenanceTask(self._is_upkeep_due, self._clean_job_files),
            EVENTS: MaintenanceTask(self._are_events_due, self._prune_events),
            STEPS: MaintenanceTask(self._are_steps_due, self._prune_steps),
            ALERTS: MaintenanceTask(self._are_alerts_due, self._prune_alerts),
            BLOCKS: MaintenanceTask(self._are_days_due, self._close_days),
        }

    async def _is_history_due(self, task: TaskRun) -> bool:
        return await self._store.read(
            is_pruning_due(task.tenant.tenant, task.now_us, self._dependencies.keep_us)
        )

    async def _prune_history(self, task: TaskRun) -> None:
        tenant, now_us, keep_us = task.tenant.tenant, task.now_us, self._dependencies.keep_us
        if await self._store.write(mark_head(tenant, now_us)) is not None:
            task.totals.marked += 1
        # In a commit of its own, before the rows that it releases.
        if await self._store.write(advance_kept_from(tenant, now_us, keep_us)) is not None:
            task.totals.advanced += 1
        async for rows in self._batches(task, lambda: prune_history(tenant, _PRUNE_BATCH)):
            task.totals.pruned += rows
        async for rows in self._batches(task, lambda: prune_holds(tenant, now_us, keep_us, _PRUNE_BATCH)):
            task.totals.pruned += rows

    async def _is_retention_due(self, task: TaskRun) -> bool:
        if task.tenant.retention_days is None:
            return False
        return await self._store.read(has_expired(task.tenant.tenant, task.now_us))

    async def _expire_old_calls(self, task: TaskRun) -> None:
        tenant, now_us = task.tenant.tenant, task.now_us
        async for calls in self._batches(task, lambda: expire_calls(tenant, now_us, _EXPIRE_BATCH)):
            task.totals.expired_calls += calls
        async for letters in self._batches(task, lambda: expire_letters(tenant, now_us, _EXPIRE_BATCH)):
            task.totals.expired_letters += letters

    async def _is_upkeep_due(self, task: TaskRun) -> bool:
        if self._job_files is None:
            return False
        return await self._store.read(is_cleanup_due(task.tenant.tenant, task.now_us))

    async def _clean_job_files(self, task: TaskRun) -> None:
        if self._job_files is not None:
            cleanup = await self._job_files.run(task.tenant.tenant, task.now_us)
            task.totals.expired_jobs += cleanup.expired
            task.totals.forgotten_jobs += cleanup.forgotten

    async def _are_steps_due(self, task: TaskRun) -> bool:
        return await self._store.read(are_steps_old(task.tenant.tenant, task.now_us))

    async def _prune_steps(self, task: TaskRun) -> None:
        tenant = task.tenant.tenant
        # In a commit of its own, before the rows that it releases: `verify` reads this limit.
        await self._store.write(keep_steps_from(tenant, task.now_us))
        async for rows in self._batches(task, lambda: prune_steps(tenant, _PRUNE_BATCH)):
            task.totals.pruned += rows

    async def _are_alerts_due(self, task: TaskRun) -> bool:
        old = self._old_alerts(task)
        return old is not None and await self._store.read(has_old_alerts(task.tenant.tenant, old))

    async def _prune_alerts(self, task: TaskRun) -> None:
        if (old := self._old_alerts(task)) is not None:
            batch = partial(prune_alerts, task.tenant.tenant, old, _ALERT_BATCH)
            async for alerts in self._batches(task, batch):
                task.totals.pruned += alerts

    def _old_alerts(self, task: TaskRun) -> AlertAge | None:
        keep_us = self._dependencies.alerts_us
        return None if keep_us is None else AlertAge(task.now_us - keep_us, task.now_us)

    async def _are_days_due(self, task: TaskRun) -> bool:
        last_us = self._closed_us.get(task.tenant.tenant)
        if last_us is not None and 0 <= task.now_us - last_us < _CLOSE_EVERY_US:
            return False
        return await self._store.read(next_open_day(task.tenant.tenant, task.now_us)) is not None

    async def _close_days(self, task: TaskRun) -> None:
        tenant, now_us = task.tenant.tenant, task.now_us
        async for days in self._batches(task, lambda: close_next_day(tenant, now_us)):
            task.totals.closed_days += days
        if await self._store.read(next_open_day(tenant, now_us)) is None:
            self._closed_us[tenant] = now_us

    async def _are_events_due(self, task: TaskRun) -> bool:
        before_us = await self._events_before(task)
        return await self._store.read(are_events_due(task.tenant.tenant, before_us))

    async def _prune_events(self, task: TaskRun) -> None:
        tenant, before_us = task.tenant.tenant, await self._events_before(task)
        batch = partial(prune_events_and_deliveries, tenant, before_us, _PRUNE_BATCH)
        async for rows in self._batches(task, batch):
            task.totals.pruned += rows

    async def _events_before(self, task: TaskRun) -> int:
        """Return the age limit of events; without endpoints they are kept no longer than snapshots."""
        has_webhooks = await self._store.read(has_endpoints(task.tenant.tenant))
        return task.now_us - (
            max(self._dependencies.events_us, self._dependencies.keep_us)
            if has_webhooks
            else self._dependencies.keep_us
        )
