"""`calltally reconcile --events`: comparison of calls with the events that a consumer received."""

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from calltally.calls.errors import InvalidInput, Unavailable
from calltally.calls.event_types import COMPLETED
from calltally.calls.times import utc_text
from calltally.calls.windows import TimeWindow, parse_window
from calltally.cli.reconcile.remote_calls import CallsSide, FolderSide, ServerSide
from calltally.client import Client
from calltally.reconcile.against_events import EventComparison
from calltally.reconcile.call_states import CallState
from calltally.reconcile.event_rules import EXPECTABLE, EventTerms
from calltally.reconcile.events import Readable, ReceivedEvent, UnreadableLine, decompressed, read_events
from calltally.reconcile.export_folder import open_export
from calltally.reconcile.findings import Finding, FindingTally, ReconciliationReport, ReportWindow

STDIN: Final = "-"
_PREFIX: Final = "voice.call."
_EVERY: Final = 1_000
# Line numbers of each file start at a multiple of this, so that lines of later files are later.
_LINES_PER_FILE: Final = 10**12


class EventsRequest(msgspec.Struct, frozen=True):
    """Parameters of the comparison.

    The calls come from `folder`, else from the server at `base_url`, else from the configured store. `ends`
    are month, from and to as given; times and spans are microseconds.
    """

    files: tuple[str, ...]
    ends: tuple[str | None, str | None, str | None]
    as_of_us: int
    late_us: int
    grace_us: int
    expected: tuple[str, ...] = ()
    tenant: str | None = None
    folder: Path | None = None
    base_url: str | None = None
    key: str | None = None
    most: int | None = None

    def terms(self, window: TimeWindow | None, revision: int | None = None) -> EventTerms:
        """Return the terms of the comparison for a window."""
        from_us, to_us = window or (None, None)
        return EventTerms(
            as_of_us=self.as_of_us,
            from_us=from_us,
            to_us=to_us,
            late_us=self.late_us,
            grace_us=self.grace_us,
            tenant=self.tenant,
            expected=_expected(self.expected),
            revision=revision,
        )


def compare(request: EventsRequest, on_finding: Callable[[Finding], None]) -> ReconciliationReport:
    """Run the comparison and call `on_finding` per finding. Raises the errors of the sources."""
    if request.folder is not None:
        if request.tenant is not None:
            raise InvalidInput.of("tenant", "an export does not contain its tenant; leave out --tenant")
        exported = open_export(request.folder)
        ends = request.ends
        window = exported.window if ends == (None, None, None) else exported.check_window(parse_window(*ends))
        terms = request.terms(window, exported.revision)
        return _run(request, nullcontext(FolderSide(exported, window)), terms, on_finding)
    window = parse_window(*request.ends)
    return _run(request, _live_side(request, window), request.terms(window), on_finding)


def _live_side(request: EventsRequest, window: TimeWindow) -> AbstractContextManager[CallsSide]:
    if request.base_url is not None:
        return _server_side(request.base_url, request, window)
    if request.tenant is None:
        message = "the source of the calls is missing: give --calls FOLDER, --base-url URL, or --tenant"
        raise InvalidInput.of("calls", message)
    from calltally.cli.reconcile.store_calls import (
        StoreSide,
    )  # deferred: it loads the server, which may be missing

    return StoreSide(window, request.tenant)


@contextmanager
def _server_side(base_url: str, request: EventsRequest, window: TimeWindow) -> Iterator[CallsSide]:
    if not request.key:
        raise InvalidInput.of("key", "the server requires an API key: set CALLTALLY_API_KEY, or give --key")
    with Client(base_url, request.key) as client:
        yield ServerSide(client, window, request.tenant)


def _run(
    request: EventsRequest,
    opened: AbstractContextManager[CallsSide],
    terms: EventTerms,
    on_finding: Callable[[Finding], None],
) -> ReconciliationReport:
    tally = FindingTally(request.most)
    with opened as side, EventComparison(terms) as comparison:
        for finding in _sorted_on_disk(_findings(request, side, comparison)):
            tally.add(finding)
            on_finding(finding)
    ends = [None if end is None else utc_text(end) for end in (terms.from_us, terms.to_us)]
    return tally.report("events", ReportWindow(*ends), comparison.examined)


def _sorted_on_disk(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Yield the findings; raise Unavailable if the disk has no space for sorting."""
    try:
        yield from findings
    except OSError as fault:
        folder = tempfile.gettempdir()
        message = f"temporary files in {folder} failed ({fault.strerror}); set TMPDIR to another folder"
        raise Unavailable(message) from fault


def _findings(request: EventsRequest, side: CallsSide, comparison: EventComparison) -> Iterator[Finding]:
    with _progress() as progress:
        comparison.add_calls(_counted(side.states(), progress))
        yield from comparison.add_events(_events(request.files, progress))
        task = progress.add_task("comparing", total=None)
        yield from comparison.findings(side.find)
        progress.remove_task(task)


def _counted(states: Iterator[CallState], progress: Progress) -> Iterator[CallState]:
    """Yield the calls and display their number."""
    task = progress.add_task("reading calls", total=None)
    for number, state in enumerate(states, start=1):
        if number % _EVERY == 0:
            progress.update(task, description=f"reading calls: {number:,}")
        yield state
    progress.remove_task(task)


def _events(names: Iterable[str], progress: Progress) -> Iterator[ReceivedEvent | UnreadableLine]:
    """Yield the events of all files, one file after the other."""
    for number, name in enumerate(names):
        with _opened(name, progress) as file:
            yield from read_events(file, name, number * _LINES_PER_FILE)


@contextmanager
def _opened(name: str, progress: Progress) -> Iterator[Readable]:
    """Open a file, decompressed, or the standard input. Raises InvalidInput."""
    if name == STDIN:
        yield sys.stdin.buffer
        return
    path = Path(name)
    try:
        raw = progress.open(path, "rb", description=path.name)
    except OSError as fault:
        raise InvalidInput.of("events", f"{name} cannot be read: {fault.strerror}") from fault
    with raw, decompressed(raw, path.suffix) as file:
        yield file


def _progress() -> Progress:
    """Return a progress bar over each file's bytes, visible only on a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _expected(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the full names of expected events, from `completed` or `voice.call.completed`."""
    names = [word if word in EXPECTABLE else f"{_PREFIX}{word}" for word in words]
    unknown = [word for word, name in zip(words, names, strict=True) if name not in EXPECTABLE]
    if unknown:
        valid = ", ".join(name.removeprefix(_PREFIX) for name in EXPECTABLE)
        raise InvalidInput.of("expect", f"--expect must be one of {valid}, not {unknown[0]!r}")
    return tuple(names) or (COMPLETED,)
