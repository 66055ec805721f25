"""Maintenance task that removes the rows and files of tenants whose removal has begun."""

import asyncio
from typing import Final

from calltally.logs import get_logger
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock, StoreOperation
from calltally.store.jobs.folders import JobFolders
from calltally.store.maintenance.tenant_removal import TenantRows, find_removal, finish_removal
from calltally.worker.job_batches import BatchRunner, TaskRun

REMOVAL: Final = "removal"
# A few milliseconds: writers of calls wait this long.
_BATCH: Final = 500

log: Final = get_logger(__name__)


class TenantRemover:
    """Removes tenants. Several workers and a command may do it at once. Without `folders`, files stay."""

    def __init__(self, store: Store, clock: Clock, batches: BatchRunner, folders: JobFolders | None) -> None:
        self._store, self._clock, self._batches, self._folders = store, clock, batches, folders

    @staticmethod
    def is_due(task: TaskRun) -> StoreOperation[bool]:
        return (yield from find_removal(task.name)) is not None

    async def run(self, task: TaskRun) -> None:
        """Remove rows until none is left or other tenants must have the writer; then files and the mark."""
        rows = TenantRows(task.name)
        await self._batches.run(task, "pruned", lambda: rows.remove_batch(_BATCH))
        if rows.table is not None:
            return
        if self._folders is not None:
            await asyncio.to_thread(self._folders.remove_tenant, task.name)
        if await self._store.write(finish_removal(task.name, self._clock())):
            task.totals.removed_tenants += 1
            log.info("tenant removed", tenant=task.name)
