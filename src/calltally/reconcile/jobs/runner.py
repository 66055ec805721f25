"""Runner of reconciliation jobs. A job runs from its start until its findings are stored, and never resumes.

A repeated run is harmless: the ledger already has the healed calls, and the findings are written again.
"""

import asyncio
import secrets
from typing import Final

import msgspec

from calltally.reconcile.jobs.cancelable import run_until_stopped
from calltally.reconcile.jobs.events_side import compare_events
from calltally.reconcile.jobs.findings_file import FindingsWriter
from calltally.reconcile.jobs.spec import (
    Against,
    FindingFiles,
    ReconciliationOutcome,
    ReconciliationProgress,
    ReconciliationSpec,
    read_progress,
    read_spec,
)
from calltally.reconcile.provider_reconciliation import (
    ProviderContext,
    ReconciliationRequest,
    reconcile_provider,
)
from calltally.reconcile.provider_run import ProviderReport, SortResources
from calltally.store.jobs.folders import JobFolder, translate_os_errors
from calltally.store.jobs.jobs import JobFile, SavedProgress
from calltally.store.jobs.running_job import RunningJob

# Small, because the process may also serve requests. More data is sorted in smaller runs.
_MEMORY_BYTES: Final = 8 * 1024 * 1024


class ReconciliationRunner:
    """Runner of reconciliation jobs; it aborts the current job soon after `stop` is set."""

    def __init__(self, context: ProviderContext, stop: asyncio.Event) -> None:
        self._context = context
        self._stop = stop

    async def run(self, running: RunningJob) -> ReconciliationOutcome | None:
        """Run a job to its end; None if the worker stopped before. Raises JobLost."""
        progress = read_progress(running.job.progress)
        if progress.outcome is None:
            progress = await self._run_from_start(running) or progress
        if progress.outcome is not None:
            # Not earlier: a run after a crash needs the events again.
            await asyncio.to_thread(_remove_rest, running.folder, progress.files)
        return progress.outcome

    async def _run_from_start(self, running: RunningJob) -> ReconciliationProgress | None:
        await asyncio.to_thread(running.folder.make)
        result = await run_until_stopped(running, self._stop, _run_comparison(self._context, running))
        if result is None:
            return None
        progress, file = result
        await running.save(SavedProgress(msgspec.json.encode(progress), running.job.checked, (file,)))
        return progress


async def _run_comparison(
    context: ProviderContext, running: RunningJob
) -> tuple[ReconciliationProgress, JobFile]:
    spec = read_spec(running.job.spec)
    with FindingsWriter(running.folder, running.tenant, f"findings-{secrets.token_hex(8)}") as file:
        if spec.against is Against.PROVIDER:
            result = await _with_provider(context, running, spec, file)
        else:
            result = ProviderReport(await compare_events(running, file.add))
        files, written = await asyncio.to_thread(file.finish)
    counts = {kind.value: count for kind, count in result.report.counts.items()}
    healed = None if result.healed is None else msgspec.structs.asdict(result.healed)
    return ReconciliationProgress(
        files, ReconciliationOutcome(counts, result.report.looked_at, healed)
    ), written


async def _with_provider(
    context: ProviderContext, running: RunningJob, spec: ReconciliationSpec, file: FindingsWriter
) -> ProviderReport:
    request = ReconciliationRequest(
        tenant=running.tenant,
        provider=spec.provider or "",
        window=spec.window,
        heal=spec.heal,
        deliver=spec.deliver,
        tolerance_s=spec.tolerance_s,
        most=0,
        at_least=running.job.checked,
    )
    resources = SortResources(running.folder.path_of("."), _MEMORY_BYTES)
    with translate_os_errors():
        return await reconcile_provider(
            context, request, running.clock(), on_finding=file.add, resources=resources
        )


def _remove_rest(folder: JobFolder, files: FindingFiles | None) -> None:
    """Delete the uploaded events and the files of earlier runs, so that they cannot be downloaded."""
    needed = {files.lines, files.starts, files.ids} if files else set()
    folder.remove(name for name in folder.names() if name not in needed)
