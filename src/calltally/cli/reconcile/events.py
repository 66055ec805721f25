"""`calltally reconcile --events`: comparison of calls with the events that a consumer received."""

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from calltally.calls.errors import InvalidInput, NotFound, Unavailable
from calltally.calls.event_types import COMPLETED
from calltally.calls.times import parse_instant, utc_text
from calltally.calls.windows import FIRST_US, TimeWindow, parse_window
from calltally.cli.reconcile.options import ReconcileOptions
from calltally.client import Client
from calltally.client.errors import UnexpectedAnswer
from calltally.client.exporting.request import duration_us
from calltally.reconcile.against_events import EventComparison
from calltally.reconcile.call_states import LOOKBACK_US, CallState, mark_outside, state_of
from calltally.reconcile.event_rules import EXPECTABLE, EventTerms
from calltally.reconcile.events import Readable, ReceivedEvent, UnreadableLine, decompressed, read_events
from calltally.reconcile.export_folder import AmendedExport, open_export
from calltally.reconcile.findings import Finding, FindingTally, ReconciliationReport, ReportWindow

STDIN: Final = "-"
_PREFIX: Final = "voice.call."
_EVERY: Final = 1_000
# Line numbers of each file start at a multiple of this, so that lines of later files are later.
_LINES_PER_FILE: Final = 10**12


class CallsSide(Protocol):
    """Source of the calls of a window, and of calls near it that events may belong to."""

    def states(self) -> Iterator[CallState]:
        """Yield all calls."""
        ...

    def find(self, call_sid: str) -> CallState | None:
        """Return the call that has or had this SID. Raises Erased."""
        ...


class FolderSide:
    """Calls of an export. It cannot look up further calls."""

    def __init__(self, exported: AmendedExport, window: TimeWindow | None) -> None:
        self._exported = exported
        self._window = window

    def states(self) -> Iterator[CallState]:
        """Yield all calls; those outside of the window are marked as such."""
        for state in self._exported.states():
            yield state if self._window is None else mark_outside(state, self._window)

    def find(self, call_sid: str) -> CallState | None:  # noqa: ARG002 (the protocol's signature)
        return None


class ServerSide:
    """Calls of any server that implements the contract of the call list. Raises ClientError."""

    def __init__(self, client: Client, window: TimeWindow, tenant: str | None) -> None:
        self._client = client
        self._window = window
        self._tenant = tenant

    def states(self) -> Iterator[CallState]:
        """Yield first the calls before the window: the records of some servers have no creation time."""
        from_us, to_us = self._window
        if from_us > FIRST_US:
            yield from self._listed(max(from_us - LOOKBACK_US, FIRST_US), from_us, is_outside=True)
        yield from self._listed(from_us, to_us, is_outside=False)

    def find(self, call_sid: str) -> CallState | None:
        """Return the call if the server finds it; the contract does not guarantee a lookup by SID."""
        with suppress(NotFound, UnexpectedAnswer):
            return state_of(self._client.get_call(call_sid))
        return None

    def _listed(self, from_us: int, to_us: int, *, is_outside: bool) -> Iterator[CallState]:
        begins, ends = utc_text(from_us), utc_text(to_us)
        for record in self._client.iter_calls(from_=begins, to=ends, order="asc", tenant=self._tenant):
            if (state := state_of(record, is_outside=is_outside)) is not None:
                yield state


def compare(
    options: ReconcileOptions, now_us: int, on_finding: Callable[[Finding], None]
) -> ReconciliationReport:
    """Run the comparison and call `on_finding` per finding.

    The calls come from the folder of an export, else from a server, else from the configured store. Raises
    InvalidInput with the wrong option, and the errors of the sources.
    """
    if options.heal or options.deliver or options.provider_file:
        raise InvalidInput.of("heal", "--heal, --deliver and --provider-file require --provider")
    terms = EventTerms(
        as_of_us=now_us if options.as_of is None else _instant("as-of", options.as_of),
        late_us=duration_us("late", options.late),
        grace_us=duration_us("grace", options.grace),
        tenant=options.tenant,
        expected=_expected(options.expect or ()),
    )
    ends = (options.month, options.from_, options.to)
    if options.calls is None:
        window = parse_window(*ends)
        terms = terms._replace(from_us=window[0], to_us=window[1])
        return _run(options, _live_side(options, window), terms, on_finding)
    if options.tenant is not None:
        raise InvalidInput.of("tenant", "an export does not record its tenant; leave out --tenant")
    exported = open_export(options.calls)
    inside = exported.window if ends == (None, None, None) else exported.check_window(parse_window(*ends))
    from_us, to_us = inside or (None, None)
    terms = terms._replace(from_us=from_us, to_us=to_us, revision=exported.revision)
    return _run(options, nullcontext(FolderSide(exported, inside)), terms, on_finding)


def _instant(option: str, text: str) -> int:
    try:
        return parse_instant(text)
    except ValueError as fault:
        raise InvalidInput.of(option, f"--{option}: {fault}") from fault


def _live_side(options: ReconcileOptions, window: TimeWindow) -> AbstractContextManager[CallsSide]:
    if options.base_url:
        return _server_side(options.base_url, options, window)
    if options.tenant is None:
        message = "the source of the calls is missing: give --calls FOLDER, --base-url URL, or --tenant"
        raise InvalidInput.of("calls", message)
    from calltally.cli.reconcile.local_store import (
        store_side,
    )  # deferred: it loads the server, which may be missing

    return store_side(window, options.tenant)


@contextmanager
def _server_side(base_url: str, options: ReconcileOptions, window: TimeWindow) -> Iterator[CallsSide]:
    if not options.key:
        raise InvalidInput.of("key", "the server requires an API key: set CALLTALLY_API_KEY, or give --key")
    with Client(base_url, options.key) as client:
        yield ServerSide(client, window, options.tenant)


def _run(
    options: ReconcileOptions,
    opened: AbstractContextManager[CallsSide],
    terms: EventTerms,
    on_finding: Callable[[Finding], None],
) -> ReconciliationReport:
    tally = FindingTally(options.limit)
    with opened as side, EventComparison(terms) as comparison:
        for finding in _sorted_on_disk(_findings(options, side, comparison)):
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
        message = (
            f"temporary files cannot be written to {folder} ({fault.strerror}); set TMPDIR to another folder"
        )
        raise Unavailable(message) from fault


def _findings(options: ReconcileOptions, side: CallsSide, comparison: EventComparison) -> Iterator[Finding]:
    with _progress() as progress:
        comparison.add_calls(_counted(side.states(), progress))
        yield from comparison.add_events(_events(options.events or (), progress))
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


def _expected(words: Sequence[str]) -> tuple[str, ...]:
    """Return the full names of expected events, from `completed` or `voice.call.completed`."""
    names = [word if word in EXPECTABLE else f"{_PREFIX}{word}" for word in words]
    unknown = [word for word, name in zip(words, names, strict=True) if name not in EXPECTABLE]
    if unknown:
        valid = ", ".join(name.removeprefix(_PREFIX) for name in EXPECTABLE)
        raise InvalidInput.of("expect", f"--expect must be one of {valid}, not {unknown[0]!r}")
    return tuple(names) or (COMPLETED,)
