"""Maintenance tasks of a tenant: each with a check that it is due, and its work."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, NamedTuple

from calltally.calls.times import SECOND_US
from calltally.exports.rows import contains_any
from calltally.exports.spec import read_progress
from calltally.logs import get_logger
from calltally.reconcile.jobs import spec as reconciliations
from calltally.reconcile.jobs.findings_file import names_any
from calltally.store.alerts.alerts import AlertAge, has_old_alerts, prune_alerts
from calltally.store.db.interface import Store
from calltally.store.db.operation import StoreOperation
from calltally.store.jobs.cleanup import (
    clear_job,
    complete_jobs,
    drop_old_jobs,
    erased_after,
    is_cleanup_due,
    is_expired,
    jobs_to_clear,
    save_checked_revision,
)
from calltally.store.jobs.folders import JobFolders
from calltally.store.jobs.jobs import Job, JobKind, expire_job
from calltally.store.maintenance.retention import expire_calls, expire_letters, has_expired
from calltally.store.rollups.alert_steps import are_steps_old, keep_steps_from, prune_steps
from calltally.store.rollups.quality_multiday import close_next_day, next_open_day
from calltally.store.snapshots.pruning import (
    advance_kept_from,
    is_pruning_due,
    mark_head,
    prune_history,
    prune_holds,
)
from calltally.store.tenants.kept_answers import has_old_answers, prune_answers
from calltally.store.webhooks.pruning import are_events_due, has_endpoints, prune_events_and_deliveries
from calltally.worker.dependencies import WorkerDependencies
from calltally.worker.job_batches import BatchRunner, TaskRun

HISTORY: Final = "history"
RETENTION: Final = "retention"
UPKEEP: Final = "upkeep of jobs"
EVENTS: Final = "upkeep of events"
STEPS: Final = "old alert steps"
ALERTS: Final = "old alerts"
BLOCKS: Final = "roll-ups of several days"
ANSWERS: Final = "old answers"

# A few milliseconds each: writers of calls wait this long.
_PRUNE_BATCH: Final = 500
_EXPIRE_BATCH: Final = 20
# Each has some changes, and evidence of kilobytes.
_ALERT_BATCH: Final = 50
# An import of old calls changes the same days repeatedly: do not roll them up after each round.
_CLOSE_EVERY_US: Final = 3_600 * SECOND_US

log: Final = get_logger(__name__)


class MaintenanceTask(NamedTuple):
    """A task: a check that only reads, and the work under its lease."""

    is_due: Callable[[TaskRun], StoreOperation[bool]]
    run: Callable[[TaskRun], Coroutine[Any, Any, None]]


class MaintenanceTasks:
    """All tasks, by the names of their leases, in the order of a round."""

    def __init__(self, dependencies: WorkerDependencies, batches: BatchRunner) -> None:
        self._store = dependencies.store
        self._batches = batches.run
        self._keep_us, self._events_us = dependencies.keep_us, dependencies.events_us
        self._closed_us: dict[str, int] = {}
        self.by_lease = {
            HISTORY: MaintenanceTask(
                lambda task: is_pruning_due(task.name, task.now_us, self._keep_us), self._prune_history
            ),
            RETENTION: MaintenanceTask(_is_retention_due, self._expire_old_calls),
            # After retention: calls that it erases must not stay in files.
            **self._job_file_task(dependencies),
            EVENTS: MaintenanceTask(self._are_events_due, self._prune_events),
            STEPS: MaintenanceTask(lambda task: are_steps_old(task.name, task.now_us), self._prune_steps),
            **self._alert_task(dependencies.alerts_us),
            BLOCKS: MaintenanceTask(self._are_days_due, self._close_days),
            ANSWERS: MaintenanceTask(
                lambda task: has_old_answers(task.name, task.now_us), self._prune_answers
            ),
        }

    async def _prune_history(self, task: TaskRun) -> None:
        tenant, now_us, keep_us = task.name, task.now_us, self._keep_us
        if await self._store.write(mark_head(tenant, now_us)) is not None:
            task.totals.marked += 1
        # In a commit of its own, before the rows that it releases.
        if await self._store.write(advance_kept_from(tenant, now_us, keep_us)) is not None:
            task.totals.advanced += 1
        await self._batches(task, "pruned", lambda: prune_history(tenant, _PRUNE_BATCH))
        await self._batches(task, "pruned", lambda: prune_holds(tenant, now_us, keep_us, _PRUNE_BATCH))

    async def _expire_old_calls(self, task: TaskRun) -> None:
        tenant, now_us = task.name, task.now_us
        await self._batches(task, "expired_calls", lambda: expire_calls(tenant, now_us, _EXPIRE_BATCH))
        await self._batches(task, "expired_letters", lambda: expire_letters(tenant, now_us, _EXPIRE_BATCH))

    @staticmethod
    def _job_file_task(dependencies: WorkerDependencies) -> dict[str, MaintenanceTask]:
        if dependencies.folders is None:
            return {}
        files = JobFileCleanup(dependencies.store, dependencies.folders, dependencies.files_us)
        return {UPKEEP: MaintenanceTask(lambda task: is_cleanup_due(task.name, task.now_us), files.run)}

    async def _prune_steps(self, task: TaskRun) -> None:
        # In a commit of its own, before the rows that it releases: `verify` reads this limit.
        await self._store.write(keep_steps_from(task.name, task.now_us))
        await self._batches(task, "pruned", lambda: prune_steps(task.name, _PRUNE_BATCH))

    async def _prune_answers(self, task: TaskRun) -> None:
        await self._batches(task, "pruned", lambda: prune_answers(task.name, task.now_us, _PRUNE_BATCH))

    def _alert_task(self, keep_us: int | None) -> dict[str, MaintenanceTask]:
        if keep_us is None:
            return {}

        def is_due(task: TaskRun) -> StoreOperation[bool]:
            return has_old_alerts(task.name, AlertAge(task.now_us - keep_us, task.now_us))

        async def run(task: TaskRun) -> None:
            age = AlertAge(task.now_us - keep_us, task.now_us)
            await self._batches(task, "pruned", lambda: prune_alerts(task.name, age, _ALERT_BATCH))

        return {ALERTS: MaintenanceTask(is_due, run)}

    def _are_days_due(self, task: TaskRun) -> StoreOperation[bool]:
        last_us = self._closed_us.get(task.name)
        if last_us is not None and 0 <= task.now_us - last_us < _CLOSE_EVERY_US:
            return False
        return (yield from next_open_day(task.name, task.now_us)) is not None

    async def _close_days(self, task: TaskRun) -> None:
        tenant, now_us = task.name, task.now_us
        await self._batches(task, "closed_days", lambda: close_next_day(tenant, now_us))
        if await self._store.read(next_open_day(tenant, now_us)) is None:
            self._closed_us[tenant] = now_us

    def _are_events_due(self, task: TaskRun) -> StoreOperation[bool]:
        return (yield from are_events_due(task.name, (yield from self._events_before(task))))

    async def _prune_events(self, task: TaskRun) -> None:
        before_us = await self._store.read(self._events_before(task))
        await self._batches(
            task, "pruned", lambda: prune_events_and_deliveries(task.name, before_us, _PRUNE_BATCH)
        )

    def _events_before(self, task: TaskRun) -> StoreOperation[int]:
        """Return the age limit of events; without endpoints they are kept only as long as snapshots."""
        has_webhooks = yield from has_endpoints(task.name)
        return task.now_us - (max(self._events_us, self._keep_us) if has_webhooks else self._keep_us)


def _is_retention_due(task: TaskRun) -> StoreOperation[bool]:
    if task.tenant.retention_days is None:
        return False
    return (yield from has_expired(task.name, task.now_us))


class JobFileCleanup:
    """Cleans up finished jobs. Two workers may do it at once."""

    def __init__(self, store: Store, folders: JobFolders, files_us: int) -> None:
        self._store = store
        self._folders = folders
        self._files_us = files_us

    async def run(self, task: TaskRun) -> None:
        """Clean up one tenant, and count the jobs that lost their files and those that were removed."""
        tenant, now_us = task.name, task.now_us
        for job in await self._store.read(complete_jobs(tenant)):
            if is_expired(job, now_us) or await self._holds_erased(tenant, job):
                forget_us = now_us + self._files_us
                operation = expire_job(tenant, job.job, now_us=now_us, forget_us=forget_us)
                task.totals.expired_jobs += await self._store.write(operation)
        for job_id in await self._store.read(jobs_to_clear(tenant)):
            await asyncio.to_thread(self._folders.of(tenant, job_id).remove_all)
            await self._store.write(clear_job(tenant, job_id, now_us))
        task.totals.forgotten_jobs += await self._store.write(drop_old_jobs(tenant, now_us))

    async def _holds_erased(self, tenant: str, job: Job) -> bool:
        erased = await self._store.read(erased_after(tenant, job.checked), long=True)
        if await asyncio.to_thread(self._holds, tenant, job, erased.ids):
            log.info("files of a job hold a call that was erased", tenant=tenant, job=job.job.hex())
            return True
        if erased.upto > job.checked:
            await self._store.write(save_checked_revision(tenant, job.job, erased.upto))
        return False

    def _holds(self, tenant: str, job: Job, ids: frozenset[bytes]) -> bool:
        folder = self._folders.of(tenant, job.job)
        if job.kind is JobKind.RECONCILIATION:
            return names_any(folder, reconciliations.read_progress(job.progress).files, ids)
        return contains_any(folder, read_progress(job.progress).ids_name, ids)
