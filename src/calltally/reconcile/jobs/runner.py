"""Runs a reconciliation job: in one piece, from its start whenever it was left, until its findings are kept.

To do it again is harmless: what was healed is known by then, and the findings are written anew.
"""

import asyncio
import secrets
from typing import Final

import msgspec

from calltally.reconcile.findings import Report
from calltally.reconcile.jobs.attending import attended
from calltally.reconcile.jobs.events_side import compare_events
from calltally.reconcile.jobs.findings_file import FindingsFile
from calltally.reconcile.jobs.spec import (
    Against,
    Outcome,
    Progress,
    ReconciliationSpec,
    read_progress,
    read_spec,
)
from calltally.reconcile.jobs.spec import Kept as KeptFindings
from calltally.reconcile.provider_reconciliation import Place, Question, Room, compare
from calltally.reconcile.provider_run import ProviderReport
from calltally.store.jobs.folders import JobFolder, told_apart
from calltally.store.jobs.jobs import JobFile, Kept
from calltally.store.jobs.running_job import JobTurn

# Little, since it may be the process that answers requests: what is more is sorted in small pieces.
_MEMORY_BYTES: Final = 8 * 1024 * 1024


class ReconciliationRunner:
    """Does reconciliation jobs; leaves the one that it is at soon after `stop` is set."""

    def __init__(self, place: Place, stop: asyncio.Event) -> None:
        self._place = place
        self._stop = stop

    async def run(self, turn: JobTurn) -> Outcome | None:
        """All of it, however long that is; None where the worker stopped before. Raises JobTaken."""
        progress = read_progress(turn.job.progress)
        if progress.outcome is None:
            progress = await self._afresh(turn) or progress
        if progress.outcome is not None:
            # Only now: whoever is killed before does it again, and needs the events.
            await asyncio.to_thread(_remove_rest, turn.folder, progress.kept)
        return progress.outcome

    async def _afresh(self, turn: JobTurn) -> Progress | None:
        await asyncio.to_thread(turn.folder.make)
        done = await attended(turn, self._stop, _compared(self._place, turn))
        if done is None:
            return None
        progress, file = done
        await turn.keep(Kept(msgspec.json.encode(progress), turn.job.checked, (file,)))
        return progress


async def _compared(place: Place, turn: JobTurn) -> tuple[Progress, JobFile]:
    spec = read_spec(turn.job.spec)
    with FindingsFile(turn.folder, turn.tenant, f"findings-{secrets.token_hex(8)}") as file:
        if spec.against is Against.PROVIDER:
            done = await _with_provider(place, turn, spec, file)
        else:
            done = ProviderReport(await compare_events(turn, file.add))
        kept, written = await asyncio.to_thread(file.finish)
    return Progress(kept, _outcome(done.report, done.healed)), written


async def _with_provider(
    place: Place, turn: JobTurn, spec: ReconciliationSpec, file: FindingsFile
) -> ProviderReport:
    question = Question(
        tenant=turn.tenant,
        provider=spec.provider or "",
        window=spec.window,
        heal=spec.heal,
        deliver=spec.deliver,
        tolerance_s=spec.tolerance_s,
        most=0,
        at_least=turn.job.checked,
    )
    room = Room(turn.folder.path_of("."), _MEMORY_BYTES)
    with told_apart():
        return await compare(place, question, turn.clock(), told=file.add, room=room)


def _outcome(report: Report, healed: msgspec.Struct | None) -> Outcome:
    counts = {kind.value: count for kind, count in report.counts.items()}
    return Outcome(counts, report.looked_at, None if healed is None else msgspec.structs.asdict(healed))


def _remove_rest(folder: JobFolder, kept: KeptFindings | None) -> None:
    """The events, and what runs before left. Nobody may tell of another run any more."""
    needed = {kept.lines, kept.starts, kept.ids} if kept else set()
    folder.remove(name for name in folder.names() if name not in needed)
