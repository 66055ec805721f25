"""The lines of the list as HTML: a page may have a thousand, and a template takes several times as long."""

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

# The column, what its cell says, and whether the call was escalated; cells of a page are often alike.
Cells = Callable[[CallColumn, str, bool], str]

# What is longer may be cut where its column is narrow.
_WHOLE_CHARS: Final = 10
_DAY_CHARS: Final = len("2026-10-01 ")
_SECOND_CHARS: Final = len("2026-10-01 14:02:11")


# A page of more calls than this is one that the browser draws piece by piece, as they come into view.
LONG: Final = 100
_PIECE: Final = 20


class DayRows(NamedTuple):
    """The calls of one day of the reader's zone: `pieces` are HTML, all that a call says escaped."""

    name: str
    pieces: list[str]


def days(
    calls: Sequence[Mapping[str, Any]],
    zone: ZoneInfo,
    columns: Sequence[CallColumn],
    states: Callable[[str], str],
) -> list[DayRows]:
    """The lines of a page under their days, in the order of the list; `states` draws a status."""
    cells = _cells(states)
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
    shown = "".join(
        cells(column, "" if is_erased else column.cell(call), is_escalated and column.kind == SUMMARY)
        for column in columns
    )
    return (
        f'<tr class="call{" erased" if is_erased else ""}"><td class="time">'
        f'<a href="{call_path(call["id"])}"><time datetime="{call["created_at"]}"'
        f' title="{clock} {escape(moment.tzname() or "")}">{clock[_DAY_CHARS:]}</time></a></td>{shown}</tr>\n'
    )


def _cells(states: Callable[[str], str]) -> Cells:
    """What draws a cell, and each that is alike once."""

    @cache
    def cell(column: CallColumn, said: str, is_escalated: bool) -> str:  # noqa: FBT001 (a key of the cache)
        told = escape(said)
        if column.kind == SUMMARY and (said or is_escalated):
            tag = f'<span class="tag">{text("escalated_yes")}</span> ' if is_escalated else ""
            return f'<td class="summary"><div class="brief" title="{told}">{tag}{told}</div></td>'
        if not said:
            return f'<td class="none {column.kind}">{DASH}</td>'
        if column.kind == STATE:
            return f'<td class="state">{states(said)}</td>'
        if column.kind == SHORTENED:
            return f'<td class="id"><code title="{told}">{escape(short(said))}</code></td>'
        whole = f' title="{told}"' if len(said) > _WHOLE_CHARS and not column.kind else ""
        return f'<td class="{column.kind}" data-name="{column.name}"{whole}>{told}</td>'

    return cell
