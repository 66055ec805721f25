"""Output of `calltally reconcile`: tables on the terminal, a CSV file, and an HTML report."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from calltally.cli.console.atomic_file import atomic_writer
from calltally.formats.csv_lines import guard
from calltally.reconcile.findings import (
    KIND_MEANINGS,
    Finding,
    FindingKind,
    ReconciliationReport,
    count_name,
    kind_title,
)
from calltally.reconcile.html_report import html_report, window_text

_HEADING: Final = ("kind", "call_sid", "call_id", "ours", "theirs", "detail", "event_ids", "times")
_EMPTY: Final = "-"
_UNPRINTABLE: Final = "\N{REPLACEMENT CHARACTER}"
_SECOND_CHARS: Final = len("2026-10-01T00:00:00")
# Narrower terminals have no room for a column of times.
_WIDE: Final = 110


def print_report(report: ReconciliationReport) -> None:
    """Print the counts with explanations, and the first findings of each kind."""
    console = Console(highlight=False)
    console.print(_text(f"{window_text(report)}, reconciled with {report.compared}"))
    console.print(_text(_count_text(report)))
    if report.is_clean:
        console.print(Text("No findings.", style="bold green"))
        return
    console.print()
    console.print(_summary(report))
    for kind in report.counts:
        findings = report.of_kind(kind)
        if findings:
            console.print()
            console.print(_heading(report, kind, len(findings)))
            console.print(_details(findings, is_wide=console.width >= _WIDE))


@contextmanager
def csv_findings(path: Path | None) -> Iterator[Callable[[Finding], None]]:
    """Yield a function that writes findings as rows of a CSV file; it does nothing without a path.

    Raises InvalidInput if the file cannot be written.
    """
    if path is None:
        yield lambda _finding: None
        return
    with atomic_writer(path) as write:
        rows = csv.writer(_Text(write))
        rows.writerow(_HEADING)
        yield lambda finding: rows.writerow(_cells(finding))


def write_html(path: Path | None, report: ReconciliationReport) -> None:
    """Write the HTML report if there is a path. Raises InvalidInput."""
    if path is not None:
        with atomic_writer(path) as write:
            write(html_report(report))


class _Text(NamedTuple):
    """File-like object for the CSV writer."""

    write: Callable[[str], object]


def _cells(finding: Finding) -> list[str]:
    times = " ".join(f"{name}={time}" for name, time in finding.times.items())
    values = (finding.call_sid, finding.call_id, finding.ours, finding.theirs, finding.detail)
    texts = [value or "" for value in values]
    return [
        guard(text) if text else "" for text in (finding.kind, *texts, " ".join(finding.event_ids), times)
    ]


def _count_text(report: ReconciliationReport) -> str:
    counts = [(count_name(name), number) for name, number in report.looked_at.items() if number]
    return ", ".join(
        f"{number:,} {name if number > 1 else name.removesuffix('s')}" for name, number in counts
    )


def _summary(report: ReconciliationReport) -> Table:
    table = _table()
    table.add_column("Kind", no_wrap=True)
    table.add_column("Found", justify="right", no_wrap=True)
    table.add_column("Meaning")
    for kind, count in report.counts.items():
        table.add_row(kind_title(kind), f"{count:,}", KIND_MEANINGS[kind])
    return table


def _heading(report: ReconciliationReport, kind: FindingKind, printed: int) -> Text:
    count = report.counts[kind]
    which = f"the first {printed:,} of {count:,}" if printed < count else f"{count:,}"
    return Text.assemble((kind_title(kind), "bold"), f", {which}")


def _details(findings: list[Finding], *, is_wide: bool) -> Table:
    """Return a table with a line per finding; a narrow one omits the parts that the sentence contains."""
    table = _table()
    if not any(finding.call_sid or finding.call_id for finding in findings):
        table.add_column("Finding", overflow="fold")
        for finding in findings:
            table.add_row(_text(finding.detail))
        return table
    for name in ("Call", "Ours", "Theirs") if is_wide else ("Call",):
        table.add_column(name, overflow="fold")
    table.add_column("Finding", overflow="fold", ratio=1)
    if is_wide:
        table.add_column("Time", no_wrap=True)
    for finding in findings:
        call, detail = _text(finding.call_sid or finding.call_id or _EMPTY), _text(finding.detail)
        if is_wide:
            sides = [_text(side or _EMPTY) for side in (finding.ours, finding.theirs)]
            table.add_row(call, *sides, detail, next(iter(finding.times.values()), _EMPTY)[:_SECOND_CHARS])
        else:
            table.add_row(call, detail)
    return table


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)


def _text(text: str) -> Text:
    """Return untrusted text without markup and without control characters."""
    return Text("".join(char if char.isprintable() else _UNPRINTABLE for char in text))
