"""A report as one HTML page that needs nothing else: it can be mailed, kept and printed."""

import re
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from calltally.reconcile.findings import WORDS, Finding, Kind, Report

_PAGE: Final = Template(files("calltally.reconcile").joinpath("report.html").read_text(encoding="utf-8"))
_COLUMNS: Final = ("Call", "Ours", "Theirs", "What", "When", "Events")
_NOTHING: Final = "-"
# Of a second: as good for a reader without it.
_FRACTION: Final = re.compile(r"\.\d+(?=Z)")


def html_report(report: Report) -> str:
    """The page. Everything in it that somebody else wrote is escaped."""
    found = sum(report.counts.values())
    return _PAGE.substitute(
        title=escape(f"Reconciled with {report.compared}"),
        window=escape(window_words(report)),
        state="verdict clean" if report.is_clean else "verdict",
        verdict="Nothing was found." if report.is_clean else f"{found:,} found.",
        facts="\n".join(_fact(name, number) for name, number in report.looked_at.items()),
        summary=_summary(report) if report.counts else "",
        sections="\n".join(_section(report, kind) for kind in report.counts),
    )


def window_words(report: Report) -> str:
    """The window in words."""
    begins, ends = report.window.begins, report.window.ends
    if begins is None and ends is None:
        return "All calls"
    first, last = (_short(end) if end else word for end, word in ((begins, "the first"), (ends, "the last")))
    return f"Calls created from {first} to {last}"


def _short(instant: str) -> str:
    """Without the part of a time that is 0."""
    return instant.removesuffix("T00:00:00.000000Z").replace(".000000Z", "Z")


def _fact(name: str, number: int) -> str:
    words = name.replace("_", " ")
    return f"<div><dt>{escape(words)}</dt><dd>{number:,}</dd></div>"


def _summary(report: Report) -> str:
    rows = [
        f'<tr><td><a href="#{kind}">{escape(WORDS[kind].title)}</a></td>'
        f'<td class="number">{count:,}</td><td>{escape(WORDS[kind].meaning)}</td></tr>'
        for kind, count in report.counts.items()
    ]
    head = '<th>Kind</th><th class="number">Found</th><th>What it means</th>'
    return _table(head, rows)


def _section(report: Report, kind: Kind) -> str:
    shown = report.of(kind)
    left = report.counts[kind] - len(shown)
    told = f"<p>The first {len(shown):,} of {report.counts[kind]:,}.</p>" if left else ""
    head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
    table = _table(head, map(_row, shown)) if shown else ""
    return f'<h2 id="{kind}">{escape(WORDS[kind].title)}</h2>\n{told}{table}'


def _table(head: str, rows: Iterable[str]) -> str:
    body = "\n".join(rows)
    return (
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'
    )


def _row(finding: Finding) -> str:
    times = [f"{name.replace('_', ' ')} {_FRACTION.sub('', time)}" for name, time in finding.times.items()]
    cells = (
        _code([finding.call_sid or finding.call_id or ""]),
        _whole([finding.ours or _NOTHING]),
        _whole([finding.theirs or _NOTHING]),
        escape(finding.detail),
        _whole(times),
        _code(finding.event_ids),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _whole(texts: Sequence[str]) -> str:
    """A line each, that is not broken."""
    return "<br>".join(f'<span class="whole">{escape(text)}</span>' for text in texts)


def _code(texts: Sequence[str]) -> str:
    return "<br>".join(f"<code>{escape(text)}</code>" for text in texts if text) or _NOTHING
