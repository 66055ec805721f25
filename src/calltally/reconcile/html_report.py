"""Report as a self-contained HTML page, to be mailed, stored and printed."""

import re
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from calltally.reconcile.findings import (
    KIND_MEANINGS,
    Finding,
    FindingKind,
    ReconciliationReport,
    count_name,
    kind_title,
)

_PAGE: Final = Template(files("calltally.reconcile").joinpath("report.html").read_text(encoding="utf-8"))
_COLUMNS: Final = ("Call", "Ours", "Theirs", "What", "When", "Events")
_NOTHING: Final = "-"
# Fractions of a second do not help a reader.
_FRACTION: Final = re.compile(r"\.\d+(?=Z)")


def html_report(report: ReconciliationReport) -> str:
    """Return the HTML page. All foreign text in it is escaped."""
    found = sum(report.counts.values())
    summary = [
        f'<tr><td><a href="#{kind}">{escape(kind_title(kind))}</a></td>'
        f'<td class="number">{count:,}</td><td>{escape(KIND_MEANINGS[kind])}</td></tr>'
        for kind, count in report.counts.items()
    ]
    return _PAGE.substitute(
        title=escape(f"Reconciled with {report.compared}"),
        window=escape(window_text(report)),
        state="verdict clean" if report.is_clean else "verdict",
        verdict="No findings." if report.is_clean else f"{found:,} found.",
        facts="\n".join(
            f"<div><dt>{escape(count_name(name))}</dt><dd>{number:,}</dd></div>"
            for name, number in report.looked_at.items()
        ),
        summary=_table('<th>Kind</th><th class="number">Found</th><th>Meaning</th>', summary)
        if summary
        else "",
        sections="\n".join(_section(report, kind) for kind in report.counts),
    )


def window_text(report: ReconciliationReport) -> str:
    begins, ends = report.window.begins, report.window.ends
    if begins is None and ends is None:
        return "All calls"
    first, last = (_short(end) if end else word for end, word in ((begins, "the first"), (ends, "the last")))
    return f"Calls created from {first} to {last}"


def _short(instant: str) -> str:
    """Return a time without its zero parts."""
    return instant.removesuffix("T00:00:00.000000Z").replace(".000000Z", "Z")


def _section(report: ReconciliationReport, kind: FindingKind) -> str:
    listed = report.of_kind(kind)
    left = report.counts[kind] - len(listed)
    note = f"<p>The first {len(listed):,} of {report.counts[kind]:,}.</p>" if left else ""
    head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
    table = _table(head, map(_row, listed)) if listed else ""
    return f'<h2 id="{kind}">{escape(kind_title(kind))}</h2>\n{note}{table}'


def _table(head: str, rows: Iterable[str]) -> str:
    table = f"<thead><tr>{head}</tr></thead>\n<tbody>\n{chr(10).join(rows)}\n</tbody>"
    return f'<div class="wide"><table>\n{table}</table></div>'


def _row(finding: Finding) -> str:
    times = [f"{name.replace('_', ' ')} {_FRACTION.sub('', time)}" for name, time in finding.times.items()]
    cells = (
        _code([finding.call_sid or finding.call_id or ""]),
        _unbroken_lines([finding.ours or _NOTHING]),
        _unbroken_lines([finding.theirs or _NOTHING]),
        escape(finding.detail),
        _unbroken_lines(times),
        _code(finding.event_ids),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _unbroken_lines(texts: Sequence[str]) -> str:
    return "<br>".join(f'<span class="whole">{escape(text)}</span>' for text in texts)


def _code(texts: Sequence[str]) -> str:
    return "<br>".join(f"<code>{escape(text)}</code>" for text in texts if text) or _NOTHING
