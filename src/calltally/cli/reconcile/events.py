"""`calltally reconcile --events`: our calls against what a consumer received of them."""

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
from calltally.calls.times import utc_text
from calltally.calls.windows import TimeWindow, parse_window
from calltally.cli.reconcile.remote_calls import CallsSide, FolderSide, ServerSide
from calltally.client import Client
from calltally.reconcile.against_events import EventComparison
from calltally.reconcile.call_states import CallState
from calltally.reconcile.event_rules import COMPLETED, EXPECTABLE, EventTerms
from calltally.reconcile.events import ReceivedEvent, UnreadableLine, read_events
from calltally.reconcile.export_folder import open_export
from calltally.reconcile.file_lines import Readable, decompressed
from calltally.reconcile.findings import Finding, FindingTally, ReconciliationReport, ReportWindow

STDIN: Final = "-"
_PREFIX: Final = "voice.call."
_EVERY: Final = 1_000
# Each file's lines are counted from a multiple of this, so that those of a later file are later ones.
_MOST_LINES: Final = 10**12


class Question(msgspec.Struct, frozen=True):
    """What is compared and by which terms.

    Our calls are those of `folder`, else of the server at `base_url`, else of the configured store. `ends`
    are month, from and to as they were said; times and spans are microseconds.
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
        """The terms for a window."""
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


def compare(question: Question, tell: Callable[[Finding], None]) -> ReconciliationReport:
    """One run; `tell` is told each finding as it is found. Raises what the sources raise."""
    if question.folder is not None:
        if question.tenant is not None:
            raise InvalidInput.of("tenant", "an export does not say whose calls it has: leave out --tenant")
        exported = open_export(question.folder)
        ends = question.ends
        window = exported.window if ends == (None, None, None) else exported.check_window(parse_window(*ends))
        terms = question.terms(window, exported.revision)
        return _run(question, nullcontext(FolderSide(exported, window)), terms, tell)
    window = parse_window(*question.ends)
    return _run(question, _live_side(question, window), question.terms(window), tell)


def _live_side(question: Question, window: TimeWindow) -> AbstractContextManager[CallsSide]:
    if question.base_url is not None:
        return _server_side(question.base_url, question, window)
    if question.tenant is None:
        message = "say whose calls: --calls DIR of an export, --base-url URL of a server, or --tenant here"
        raise InvalidInput.of("calls", message)
    from calltally.cli.reconcile.store_calls import (
        StoreSide,
    )  # deferred: it loads the server, which may be missing

    return StoreSide(window, question.tenant)


@contextmanager
def _server_side(base_url: str, question: Question, window: TimeWindow) -> Iterator[CallsSide]:
    if not question.key:
        raise InvalidInput.of("key", "a server needs a key: set CALLTALLY_API_KEY, or give --key")
    with Client(base_url, question.key) as client:
        yield ServerSide(client, window, question.tenant)


def _run(
    question: Question,
    opened: AbstractContextManager[CallsSide],
    terms: EventTerms,
    tell: Callable[[Finding], None],
) -> ReconciliationReport:
    tally = FindingTally(question.most)
    with opened as side, EventComparison(terms) as comparison:
        for finding in _sorted_on_disk(_findings(question, side, comparison)):
            tally.add(finding)
            tell(finding)
    ends = [None if end is None else utc_text(end) for end in (terms.from_us, terms.to_us)]
    return tally.report("events", ReportWindow(*ends), comparison.examined)


def _sorted_on_disk(findings: Iterator[Finding]) -> Iterator[Finding]:
    """The findings; raises Unavailable where the disk has no room for what is sorted."""
    try:
        yield from findings
    except OSError as fault:
        place = tempfile.gettempdir()
        message = f"there is no sorting below {place} ({fault.strerror}); set TMPDIR to another folder"
        raise Unavailable(message) from fault


def _findings(question: Question, side: CallsSide, comparison: EventComparison) -> Iterator[Finding]:
    with _progress() as progress:
        comparison.add_calls(_counted(side.states(), progress))
        yield from comparison.add_events(_events(question.files, progress))
        task = progress.add_task("comparing", total=None)
        yield from comparison.findings(side.find)
        progress.remove_task(task)


def _counted(states: Iterator[CallState], progress: Progress) -> Iterator[CallState]:
    """The calls, while their number is shown."""
    task = progress.add_task("reading calls", total=None)
    for number, state in enumerate(states, start=1):
        if number % _EVERY == 0:
            progress.update(task, description=f"reading calls: {number:,}")
        yield state
    progress.remove_task(task)


def _events(names: Iterable[str], progress: Progress) -> Iterator[ReceivedEvent | UnreadableLine]:
    """The events of all files, one after the other."""
    for number, name in enumerate(names):
        with _opened(name, progress) as file:
            yield from read_events(file, name, number * _MOST_LINES)


@contextmanager
def _opened(name: str, progress: Progress) -> Iterator[Readable]:
    """A file, unpacked, or the standard input. Raises InvalidInput."""
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
    """A bar over each file's bytes, on a terminal's stderr only."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _expected(words: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the events that there must be, from `completed` or `voice.call.completed`."""
    names = [word if word in EXPECTABLE else f"{_PREFIX}{word}" for word in words]
    unknown = [word for word, name in zip(words, names, strict=True) if name not in EXPECTABLE]
    if unknown:
        known = ", ".join(name.removeprefix(_PREFIX) for name in EXPECTABLE)
        raise InvalidInput.of("expect", f"--expect {unknown[0]!r}: there must be one of {known}")
    return tuple(names) or (COMPLETED,)
