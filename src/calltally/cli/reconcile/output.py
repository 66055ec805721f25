"""What `calltally reconcile` prints and writes: tables for people, CSV and an HTML page to pass on."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from calltally.cli.console.atomic_file import written
from calltally.formats.csv_lines import guard
from calltally.reconcile.findings import KIND_TEXTS, Finding, FindingKind, ReconciliationReport
from calltally.reconcile.html_report import html_report, window_text

_HEADING: Final = ("kind", "call_sid", "call_id", "ours", "theirs", "detail", "event_ids", "times")
_NOTHING: Final = "-"
_UNSHOWN: Final = "\N{REPLACEMENT CHARACTER}"
_SECOND: Final = len("2026-10-01T00:00:00")
# Below it there is no place for a column of times.
_WIDE: Final = 110


def print_report(report: ReconciliationReport) -> None:
    """The counts with what they mean, and the first findings of each kind."""
    console = Console(highlight=False)
    console.print(_text(f"{window_text(report)}, reconciled with {report.compared}"))
    console.print(_text(_looked_at(report)))
    if report.is_clean:
        console.print(Text("Nothing was found.", style="bold green"))
        return
    console.print()
    console.print(_summary(report))
    for kind in report.counts:
        shown = report.of_kind(kind)
        if shown:
            console.print()
            console.print(_heading(report, kind, len(shown)))
            console.print(_details(shown, is_wide=console.width >= _WIDE))


@contextmanager
def csv_findings(path: Path | None) -> Iterator[Callable[[Finding], None]]:
    """Who is told findings, and writes each as a row of a CSV file; nobody where there is no path.

    Raises InvalidInput where it cannot be written.
    """
    if path is None:
        yield _untold
        return
    with written(path) as write:
        rows = csv.writer(_Text(write))
        rows.writerow(_HEADING)
        yield lambda finding: rows.writerow(_cells(finding))


def write_html(path: Path | None, report: ReconciliationReport) -> None:
    """Write the page, where there is a path. Raises InvalidInput."""
    if path is not None:
        with written(path) as write:
            write(html_report(report))


class _Text(NamedTuple):
    """What the rows are written to."""

    write: Callable[[str], object]


def _untold(_finding: Finding) -> None:
    """Nothing."""


def _cells(finding: Finding) -> list[str]:
    times = " ".join(f"{name}={time}" for name, time in finding.times.items())
    values = (finding.call_sid, finding.call_id, finding.ours, finding.theirs, finding.detail)
    texts = [value or "" for value in values]
    return [
        guard(text) if text else "" for text in (finding.kind, *texts, " ".join(finding.event_ids), times)
    ]


def _looked_at(report: ReconciliationReport) -> str:
    looked_at = [(name.replace("_", " "), number) for name, number in report.looked_at.items() if number]
    return ", ".join(
        f"{number:,} {name if number > 1 else name.removesuffix('s')}" for name, number in looked_at
    )


def _summary(report: ReconciliationReport) -> Table:
    table = _table()
    table.add_column("Kind", no_wrap=True)
    table.add_column("Found", justify="right", no_wrap=True)
    table.add_column("What it means")
    for kind, count in report.counts.items():
        table.add_row(KIND_TEXTS[kind].title, f"{count:,}", KIND_TEXTS[kind].meaning)
    return table


def _heading(report: ReconciliationReport, kind: FindingKind, shown: int) -> Text:
    count = report.counts[kind]
    which = f"the first {shown:,} of {count:,}" if shown < count else f"{count:,}"
    return Text.assemble((KIND_TEXTS[kind].title, "bold"), f", {which}")


def _details(shown: list[Finding], *, is_wide: bool) -> Table:
    """A line each; where there is little room, without what the sentence says too."""
    if not any(finding.call_sid or finding.call_id for finding in shown):
        return _unplaced(shown)
    table = _table()
    for name in ("Call", "Ours", "Theirs") if is_wide else ("Call",):
        table.add_column(name, overflow="fold")
    table.add_column("What", overflow="fold", ratio=1)
    if is_wide:
        table.add_column("When", no_wrap=True)
    for finding in shown:
        call, what = _text(finding.call_sid or finding.call_id or _NOTHING), _text(finding.detail)
        if is_wide:
            sides = [_text(side or _NOTHING) for side in (finding.ours, finding.theirs)]
            table.add_row(call, *sides, what, next(iter(finding.times.values()), _NOTHING)[:_SECOND])
        else:
            table.add_row(call, what)
    return table


def _unplaced(shown: list[Finding]) -> Table:
    """Of findings that are of no call."""
    table = _table()
    table.add_column("What", overflow="fold")
    for finding in shown:
        table.add_row(_text(finding.detail))
    return table


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)


def _text(text: str) -> Text:
    """Text of somebody else's: nothing in it is markup, nor does it speak to the terminal."""
    return Text("".join(char if char.isprintable() else _UNSHOWN for char in text))
