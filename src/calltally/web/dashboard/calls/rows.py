"""Rows and columns of the list. Rows are HTML, built in Python.

A page may have 1,000 rows, and a template takes several times as long.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from html import escape
from itertools import groupby
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from calltally.web.dashboard.call.sentence import span
from calltally.web.dashboard.calls.links import WITHIN, url
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.formats import DASH, call_path, local, short

Record = Mapping[str, Any]

COLUMNS_COOKIE: Final = "calltally_columns"
_SEPARATOR: Final = "."
_NUMBER: Final = "number"
# Kinds with their own rendering.
STATE, SUMMARY, SHORTENED = "state", "summary", "id"


class CallColumn(NamedTuple):
    """One column. `kind` is the CSS class of its cells; an empty cell is an unknown value."""

    name: str
    cell: Callable[[Record], str]
    kind: str = ""


def _text_cell(name: str) -> Callable[[Record], str]:
    def cell(call: Record) -> str:
        value = call[name]
        return "" if value is None else str(value)

    return cell


def _cost(call: Record) -> str:
    cost = call["cost"]
    return f"{cost['amount']} {cost['currency'] or ''}".strip() if cost else ""


def _parties(call: Record) -> str:
    caller, called = call["from_number"], call["to_number"]
    return f"{caller or '?'} → {called or '?'}" if caller or called else ""


# In display order. The time column is always first.
COLUMNS: Final[Mapping[str, CallColumn]] = {
    column.name: column
    for column in (
        CallColumn("status", _text_cell("status"), STATE),
        CallColumn("direction", _text_cell("direction"), "slim"),
        CallColumn("parties", _parties, "parties"),
        CallColumn("route", _text_cell("route")),
        CallColumn("agent", _text_cell("agent")),
        CallColumn("provider", _text_cell("provider")),
        CallColumn("ring", lambda call: span(call["ring_seconds"]), f"{_NUMBER} slim"),
        CallColumn("talk", lambda call: span(call["duration_seconds"]), _NUMBER),
        CallColumn("end_reason", lambda call: str(call["end_reason"] or "").replace("-", " ")),
        CallColumn("sip_code", _text_cell("sip_code"), f"{_NUMBER} slim"),
        CallColumn("cost", _cost, _NUMBER),
        CallColumn("conflicts_count", lambda call: str(call["conflicts"] or ""), _NUMBER),
        CallColumn("tags", lambda call: ", ".join(call["tags"] or ())),
        CallColumn("session_id", _text_cell("session_id"), SHORTENED),
        CallColumn("call_sid", _text_cell("call_sid"), SHORTENED),
        CallColumn("summary", _text_cell("summary"), SUMMARY),
    )
}
DEFAULT_COLUMNS: Final = ("status", "direction", "parties", "route", "agent", "ring", "talk", "summary")


def columns_by_name(names: Iterable[str]) -> list[CallColumn]:
    """Return the columns of these names in display order; the default ones if no name is known."""
    wanted = {name for name in names if name in COLUMNS} or set(DEFAULT_COLUMNS)
    return [column for name, column in COLUMNS.items() if name in wanted]


def chosen_columns(cookie: str | None) -> list[CallColumn]:
    return columns_by_name((cookie or "").split(_SEPARATOR))


def columns_cookie_value(names: Iterable[str]) -> str:
    """Return the names as a cookie value, without unknown ones."""
    return _SEPARATOR.join(column.name for column in columns_by_name(names))


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
    sought: str = "",
) -> list[DayRows]:
    """Return the rows by day, in the order of the list; `render_status` renders a status.

    The page of a call then finds the word `sought` in its conversation.
    """
    cells = _cells(render_status)
    query = url([(WITHIN, sought)], "") if sought else ""
    dated = [(local(call["created_at"], zone), call) for call in calls]
    grouped = groupby(dated, key=lambda pair: pair[0].date())
    found = []
    for day, pairs in grouped:
        lines = [_line(moment, call, columns, cells, query) for moment, call in pairs]
        pieces = ["".join(lines[begin : begin + _PIECE]) for begin in range(0, len(lines), _PIECE)]
        found.append(DayRows(day.strftime("%A, %-d %B %Y"), pieces))
    return found


def _line(
    moment: datetime, call: Mapping[str, Any], columns: Sequence[CallColumn], cells: Cells, query: str
) -> str:
    is_erased, is_escalated = bool(call.get("erased")), bool(call["escalated"])
    clock = moment.isoformat(" ", "seconds")[:_SECOND_CHARS]
    cells_html = "".join(
        cells(column, "" if is_erased else column.cell(call), is_escalated and column.kind == SUMMARY)
        for column in columns
    )
    return (
        f'<tr class="call{" erased" if is_erased else ""}"><td class="time">'
        f'<a href="{call_path(call["id"])}{query}"><time datetime="{call["created_at"]}"'
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
