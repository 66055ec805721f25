"""A tenant's calls against the events that were uploaded, in a thread beside the event loop."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final, TypeVar

from calltally.calls.errors import Misconfigured
from calltally.calls.filters import CallFilter, ListQuery
from calltally.calls.times import SECOND_US, utc_text
from calltally.exports.window import Window as Listing
from calltally.exports.window import first_chunk
from calltally.reconcile.against_events import AgainstEvents
from calltally.reconcile.call_states import BEFORE_US, CallState, chunk_states, placed
from calltally.reconcile.event_rules import Terms
from calltally.reconcile.events import read_events
from calltally.reconcile.findings import Finding, Report, Span, Tally
from calltally.reconcile.jobs.attending import Check, in_thread
from calltally.reconcile.jobs.spec import EVENTS_FILE, ReconciliationSpec, read_spec
from calltally.reconcile.merge_join import Joined
from calltally.store.jobs.folders import told_apart
from calltally.store.jobs.running_job import JobTurn
from calltally.store.ledger.lookup import find_call
from calltally.store.listing.list_calls import list_calls

T = TypeVar("T")

# Of each side; the rest lies on the disk.
_MEMORY_BYTES: Final = 16 * 1024 * 1024


async def compare_events(turn: JobTurn, tell: Callable[[Finding], None]) -> Report:
    """One run; `tell` hears each finding, in a thread.

    Raises Misconfigured where the events are not there, or there is no room for what is sorted.
    """
    spec = read_spec(turn.job.spec)
    listing = await _listing(turn, spec)
    async with aclosing(listing.chunks()) as chunks:
        side = _Side(turn, asyncio.get_running_loop(), chunks)
        return await in_thread(lambda check: _compared(side, spec, check, tell))


class _Side:
    """Our calls, asked for from a thread and read by the event loop."""

    def __init__(self, turn: JobTurn, loop: asyncio.AbstractEventLoop, chunks: AsyncGenerator[bytes]) -> None:
        self.turn = turn
        self._loop = loop
        self._chunks = chunks

    def states(self) -> Iterator[CallState]:
        """All of them, as of one snapshot."""
        while records := self._asked(self._next()):
            yield from chunk_states(records)

    def find(self, call_sid: str) -> CallState | None:
        """One by any SID that ever was its own. Raises Erased."""
        record = self._asked(self._found(call_sid))
        return None if record is None else next(chunk_states(record), None)

    async def _next(self) -> bytes:
        return await anext(self._chunks, b"")

    async def _found(self, call_sid: str) -> bytes | None:
        turn = self.turn
        found: bytes | None = await turn.store.read(find_call(turn.tenant, call_sid))
        return found

    def _asked(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class _Comparison(AgainstEvents):
    """One that can be left at every call."""

    def __init__(self, terms: Terms, folder: Path, check: Check) -> None:
        super().__init__(terms, folder, _MEMORY_BYTES)
        self._check = check

    def _joined(self) -> Iterator[Joined]:
        for each in super()._joined():
            self._check()
            yield each


def _compared(side: _Side, spec: ReconciliationSpec, check: Check, tell: Callable[[Finding], None]) -> Report:
    turn, terms, tally = side.turn, _terms(side.turn, spec), Tally(0)
    with told_apart(), _Comparison(terms, turn.folder.path_of("."), check) as comparison:
        for finding in _findings(comparison, side, spec, check):
            tally.add(finding)
            tell(finding)
    span = Span(utc_text(spec.from_us), utc_text(spec.to_us))
    return tally.report(spec.against, span, comparison.looked_at)


def _findings(
    comparison: _Comparison, side: _Side, spec: ReconciliationSpec, check: Check
) -> Iterator[Finding]:
    comparison.take_calls(_checked((placed(each, spec.window) for each in side.states()), check))
    with _uploaded(side.turn).open("rb") as file:
        yield from comparison.take_events(_checked(read_events(file, "events"), check))
    yield from comparison.findings(side.find)


def _checked(items: Iterator[T], check: Check) -> Iterator[T]:
    for item in items:
        check()
        yield item


def _uploaded(turn: JobTurn) -> Path:
    path = turn.folder.path_of(EVENTS_FILE)
    if not path.exists():
        message = "the events are not in this node's CALLTALLY_FILES_FOLDER: all nodes must see the same"
        raise Misconfigured(message)
    return path


def _terms(turn: JobTurn, spec: ReconciliationSpec) -> Terms:
    return Terms(
        # What the calls came to since the events were uploaded is none of their business.
        as_of_us=turn.job.created_us,
        from_us=spec.from_us,
        to_us=spec.to_us,
        late_us=spec.late_s * SECOND_US,
        grace_us=spec.grace_s * SECOND_US,
        tenant=turn.tenant,
    )


async def _listing(turn: JobTurn, spec: ReconciliationSpec) -> Listing:
    calls = CallFilter(from_us=spec.from_us - BEFORE_US, to_us=spec.to_us)
    query = first_chunk(ListQuery(filter=calls, order="asc"), None)
    first = await turn.store.read_tenant(
        turn.tenant, lambda: list_calls(turn.tenant, query), at_least=turn.job.checked, long=True
    )
    return Listing(turn.store, turn.tenant, query, first)
