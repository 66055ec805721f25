"""Columns of the list: their cells, and the reader's choice."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from calltally.web.dashboard.call.sentence import span

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


def _end(call: Record) -> str:
    return str(call["end_reason"] or "").replace("-", " ")


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
        CallColumn("end_reason", _end),
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
    """Return the columns chosen in this browser."""
    return columns_by_name((cookie or "").split(_SEPARATOR))


def columns_cookie_value(names: Iterable[str]) -> str:
    """Return the names as a cookie value, without unknown ones."""
    return _SEPARATOR.join(column.name for column in columns_by_name(names))
