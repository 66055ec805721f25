"""Rows of the list as HTML, built in Python.

A page may have 1,000 rows, and a template takes several times as long.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from html import escape
from itertools import groupby
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from calltally.web.dashboard.call_format import DASH, call_path, local, short
from calltally.web.dashboard.calls.columns import SHORTENED, STATE, SUMMARY, CallColumn
from calltally.web.dashboard.english.messages import text

# Arguments: the column, the text of its cell, and the escalation flag. Cells are cached, because many are
# equal.
Cells = Callable[[CallColumn, str, bool], str]

# Longer text may be truncated in a narrow column.
_MAX_UNTITLED_CHARS: Final = 10
_DAY_CHARS: Final = len("2026-10-01 ")
_SECOND_CHARS: Final = len("2026-10-01 14:02:11")


# For a larger page, the browser renders rows only as they scroll into view.
LONG: Final = 100
_PIECE: Final = 20


class DayRows(NamedTuple):
    """Calls of one day in the reader's zone. `pieces` are HTML, with all content of calls escaped."""

    name: str
    pieces: list[str]


def days(
    calls: Sequence[Mapping[str, Any]],
    zone: ZoneInfo,
    columns: Sequence[CallColumn],
    render_status: Callable[[str], str],
) -> list[DayRows]:
    """Return the rows by day, in the order of the list; `render_status` renders a status."""
    cells = _cells(render_status)
    dated = [(local(call["created_at"], zone), call) for call in calls]
    grouped = groupby(dated, key=lambda pair: pair[0].date())
    return [
        DayRows(
            day.strftime("%A, %-d %B %Y"),
            _pieces([_line(moment, call, columns, cells) for moment, call in pairs]),
        )
        for day, pairs in grouped
    ]


def _pieces(lines: Sequence[str]) -> list[str]:
    return ["".join(lines[begin : begin + _PIECE]) for begin in range(0, len(lines), _PIECE)]


def _line(moment: datetime, call: Mapping[str, Any], columns: Sequence[CallColumn], cells: Cells) -> str:
    is_erased, is_escalated = bool(call.get("erased")), bool(call["escalated"])
    clock = moment.isoformat(" ", "seconds")[:_SECOND_CHARS]
    cells_html = "".join(
        cells(column, "" if is_erased else column.cell(call), is_escalated and column.kind == SUMMARY)
        for column in columns
    )
    return (
        f'<tr class="call{" erased" if is_erased else ""}"><td class="time">'
        f'<a href="{call_path(call["id"])}"><time datetime="{call["created_at"]}"'
        f' title="{clock} {escape(moment.tzname() or "")}">{clock[_DAY_CHARS:]}</time></a></td>'
        f"{cells_html}</tr>\n"
    )


def _cells(render_status: Callable[[str], str]) -> Cells:
    """Return a renderer of cells with a cache for equal cells."""

    @cache
    def cell(column: CallColumn, content: str, is_escalated: bool) -> str:  # noqa: FBT001 (a key of the cache)
        escaped = escape(content)
        if column.kind == SUMMARY and (content or is_escalated):
            tag = f'<span class="tag">{text("escalated_yes")}</span> ' if is_escalated else ""
            return f'<td class="summary"><div class="brief" title="{escaped}">{tag}{escaped}</div></td>'
        if not content:
            return f'<td class="none {column.kind}">{DASH}</td>'
        if column.kind == STATE:
            return f'<td class="state">{render_status(content)}</td>'
        if column.kind == SHORTENED:
            return f'<td class="id"><code title="{escaped}">{escape(short(content))}</code></td>'
        whole = f' title="{escaped}"' if len(content) > _MAX_UNTITLED_CHARS and not column.kind else ""
        return f'<td class="{column.kind}" data-name="{column.name}"{whole}>{escaped}</td>'

    return cell
