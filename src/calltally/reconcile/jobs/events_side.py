"""Comparison of a tenant's calls with uploaded events, in a thread."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final, TypeVar

from calltally.calls.errors import Misconfigured
from calltally.calls.times import SECOND_US, utc_text
from calltally.calls.windows import TimeWindow
from calltally.exports.window import calls_of_window
from calltally.reconcile.against_events import EventComparison, JoinedGroup
from calltally.reconcile.call_states import LOOKBACK_US, CallState, chunk_states, mark_outside
from calltally.reconcile.event_rules import EventTerms
from calltally.reconcile.events import read_events
from calltally.reconcile.findings import Finding, FindingTally, ReconciliationReport, ReportWindow
from calltally.reconcile.jobs.cancelable import CheckCanceled, run_in_thread
from calltally.reconcile.jobs.spec import EVENTS_FILE, ReconciliationSpec, read_spec
from calltally.store.jobs.folders import translate_os_errors
from calltally.store.jobs.running_job import RunningJob
from calltally.store.ledger.lookup import find_call

T = TypeVar("T")

# Per side; the rest goes to disk.
_MEMORY_BYTES: Final = 16 * 1024 * 1024


async def compare_events(running: RunningJob, on_finding: Callable[[Finding], None]) -> ReconciliationReport:
    """Run a comparison. `on_finding` is called for each finding, in the thread.

    Raises Misconfigured if the events are missing or the disk is full.
    """
    spec = read_spec(running.job.spec)
    window = TimeWindow(spec.from_us - LOOKBACK_US, spec.to_us)
    calls = await calls_of_window(running.store, running.tenant, window, at_least=running.job.checked)
    async with aclosing(calls.chunks()) as chunks:
        reader = _CallReader(running, asyncio.get_running_loop(), chunks)
        return await run_in_thread(lambda check: _compared(reader, spec, check, on_finding))


class _CallReader:
    """Reader of our calls for a thread: the event loop does the reads."""

    def __init__(
        self, running: RunningJob, loop: asyncio.AbstractEventLoop, chunks: AsyncGenerator[bytes]
    ) -> None:
        self.running = running
        self._loop = loop
        self._chunks = chunks

    def states(self) -> Iterator[CallState]:
        """Yield all calls of one snapshot."""
        while records := self._run_in_loop(self._next()):
            yield from chunk_states(records)

    def find(self, call_sid: str) -> CallState | None:
        """Find a call by any SID that it ever had. Raises Erased."""
        found = self.running.store.read(find_call(self.running.tenant, call_sid))
        record: bytes | None = self._run_in_loop(found)
        return None if record is None else next(chunk_states(record), None)

    async def _next(self) -> bytes:
        return await anext(self._chunks, b"")

    def _run_in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class _CancelableComparison(EventComparison):
    """Comparison that can be canceled at every call."""

    def __init__(self, terms: EventTerms, folder: Path, check: CheckCanceled) -> None:
        super().__init__(terms, folder, _MEMORY_BYTES)
        self._check = check

    def _joined(self) -> Iterator[JoinedGroup]:
        for each in super()._joined():
            self._check()
            yield each


def _compared(
    reader: _CallReader, spec: ReconciliationSpec, check: CheckCanceled, on_finding: Callable[[Finding], None]
) -> ReconciliationReport:
    running, tally = reader.running, FindingTally(0)
    terms = EventTerms(
        # Changes after the upload cannot be in the uploaded events.
        as_of_us=running.job.created_us,
        from_us=spec.from_us,
        to_us=spec.to_us,
        late_us=spec.late_s * SECOND_US,
        grace_us=spec.grace_s * SECOND_US,
        tenant=running.tenant,
    )
    with (
        translate_os_errors(),
        _CancelableComparison(terms, running.folder.path_of("."), check) as comparison,
    ):
        for finding in _findings(comparison, reader, spec, check):
            tally.add(finding)
            on_finding(finding)
    span = ReportWindow(utc_text(spec.from_us), utc_text(spec.to_us))
    return tally.report(spec.against, span, comparison.examined)


def _findings(
    comparison: _CancelableComparison, reader: _CallReader, spec: ReconciliationSpec, check: CheckCanceled
) -> Iterator[Finding]:
    comparison.add_calls(_checked((mark_outside(each, spec.window) for each in reader.states()), check))
    path = reader.running.folder.path_of(EVENTS_FILE)
    if not path.exists():
        message = "the events are not in this node's CALLTALLY_FILES_FOLDER; all nodes must share this folder"
        raise Misconfigured(message)
    with path.open("rb") as file:
        yield from comparison.add_events(_checked(read_events(file, "events"), check))
    yield from comparison.findings(reader.find)


def _checked(items: Iterator[T], check: CheckCanceled) -> Iterator[T]:
    for item in items:
        check()
        yield item
