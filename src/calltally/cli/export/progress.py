"""Progress bar of an export, and the summary at its end."""

from collections.abc import Iterator
from typing import Final, Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from calltally.calls.plurals import counted
from calltally.client.exporting.manifest import Manifest
from calltally.client.exporting.names import DRIFT_FILE, names_of

_BAR_CHARS: Final = 24
_BAR_COLUMNS: Final = 100


class _Rows(ProgressColumn):
    """`12,000 of 500,000 calls  98,000/s`."""

    def render(self, task: Task) -> Text:
        if not task.completed and task.total is None:
            return Text("")
        of = f" of {int(task.total):,}" if task.total is not None else ""
        speed = f"  {task.speed:,.0f}/s" if task.speed else ""
        return Text(f"{int(task.completed):,}{of} calls{speed}")


class ExportView:
    """Progress of an export on stderr. The bar is visible only on a terminal."""

    def __init__(self, *, is_quiet: bool = False, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._is_quiet = is_quiet
        columns = (
            TextColumn("{task.description}"),
            BarColumn(None, table_column=Column(ratio=1)),
            _Rows(Column(no_wrap=True)),
            TimeRemainingColumn(),
        )
        is_hidden = is_quiet or not self._console.is_terminal
        self._bar = Progress(*columns, console=self._console, transient=True, disable=is_hidden, expand=True)
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        self._bar.stop()

    def begin(self, what: str, total: int | None, done: int = 0) -> None:
        """Start a new task, which replaces the one before."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(what, total=total, completed=done)

    def advance(self, rows: int) -> None:
        if self._task is not None:
            self._bar.advance(self._task, rows)

    def notify(self, text: str) -> None:
        """Print one line on stderr."""
        if not self._is_quiet:
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def summary(manifest: Manifest, path: str, *, width: int, took_s: float | None = None) -> Iterator[str]:
    """Yield the summary of an export. `took_s` is the duration of this run, None without a run."""
    yield f"{counted(manifest.rows, 'call')} {_window(manifest)}"
    yield f"{_files(manifest)}, in {path}" + ("" if took_s is None else f"; {took_s:,.1f} s")
    yield from _states(manifest, width)
    if manifest.snapshot:
        revision = f", revision {manifest.revision:,}" if manifest.revision else ""
        yield f"as of     snapshot {manifest.snapshot}{revision}"
    yield from _drift(manifest)
    yield f"complete  {_complete(manifest)}"


def amendment(manifest: Manifest, path: str) -> Iterator[str]:
    changes = manifest.amends
    if changes:
        yield f"since then: {changes.added:,} added, {changes.changed:,} changed, {changes.gone:,} removed"
        yield f"{_files(manifest)}, in {path}"
        yield "The earlier files are unchanged: these calls replace the earlier calls with the same ids."


def _files(manifest: Manifest) -> str:
    count, size_bytes = len(manifest.files), sum(file.bytes for file in manifest.files)
    return f"{counted(count, 'file')} of {manifest.format}, {decimal(size_bytes)}"


def _window(manifest: Manifest) -> str:
    ends = [f"{name} {_short(text)}" for name, text in manifest.window.items() if text]
    return " ".join(ends) or "of all time"


def _short(text: str) -> str:
    return text.replace(".000000Z", "Z").replace("T00:00:00Z", "")


def _states(manifest: Manifest, width: int) -> Iterator[str]:
    """Yield each state with its share, and a bar if there is room."""
    for status, count in sorted(manifest.by_status.items(), key=lambda each: -each[1]):
        share = count / manifest.rows
        bar = "  " + "█" * round(share * _BAR_CHARS) if width >= _BAR_COLUMNS else ""
        yield f"  {status:<12} {count:>12,}  {share:>6.1%}{bar}".rstrip()


def _drift(manifest: Manifest) -> Iterator[str]:
    if manifest.repeats or manifest.holes:
        found = f"{manifest.repeats:,} repeats and {manifest.holes:,} holes"
        names = [file.name for file in manifest.files if file.name in names_of(DRIFT_FILE)] or [DRIFT_FILE]
        yield f"moved     {found} in {manifest.readings} readings; {names[0]} names each"
    for note in manifest.notes:
        yield f"note      {note}"


def _complete(manifest: Manifest) -> str:
    if not manifest.complete:
        return "NO: see above. Older calls change less: leave out the newest with --settle 1h"
    how = (
        "as many calls as the server counts under this snapshot"
        if manifest.snapshot
        else f"the last two of {manifest.readings} readings agree"
    )
    return f"yes: {how}; files checked by SHA-256"
