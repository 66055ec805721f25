"""The columns of the list: which there are, what their cells say, and which a reader has chosen."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from calltally.web.dashboard.call.sentence import span

Record = Mapping[str, Any]

COLUMNS_COOKIE: Final = "calltally_columns"
_BETWEEN: Final = "."
_NUMBER: Final = "number"
# Kinds that are drawn in a way of their own.
STATE, SUMMARY, SHORTENED = "state", "summary", "id"


class CallColumn(NamedTuple):
    """One column. `kind` is the class of its cells; an empty cell is what is not known."""

    name: str
    cell: Callable[[Record], str]
    kind: str = ""


def _of(name: str) -> Callable[[Record], str]:
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


# In the order in which they stand; the time is before all of them, and always there.
COLUMNS: Final[Mapping[str, CallColumn]] = {
    column.name: column
    for column in (
        CallColumn("status", _of("status"), STATE),
        CallColumn("direction", _of("direction"), "slim"),
        CallColumn("parties", _parties, "parties"),
        CallColumn("route", _of("route")),
        CallColumn("agent", _of("agent")),
        CallColumn("provider", _of("provider")),
        CallColumn("ring", lambda call: span(call["ring_seconds"]), f"{_NUMBER} slim"),
        CallColumn("talk", lambda call: span(call["duration_seconds"]), _NUMBER),
        CallColumn("end_reason", _end),
        CallColumn("sip_code", _of("sip_code"), f"{_NUMBER} slim"),
        CallColumn("cost", _cost, _NUMBER),
        CallColumn("conflicts_count", lambda call: str(call["conflicts"] or ""), _NUMBER),
        CallColumn("tags", lambda call: ", ".join(call["tags"] or ())),
        CallColumn("session_id", _of("session_id"), SHORTENED),
        CallColumn("call_sid", _of("call_sid"), SHORTENED),
        CallColumn("summary", _of("summary"), SUMMARY),
    )
}
DEFAULT_COLUMNS: Final = ("status", "direction", "parties", "route", "agent", "ring", "talk", "summary")


def columns_by_name(names: Iterable[str]) -> list[CallColumn]:
    """The columns of these names in their own order; the usual ones where none is known."""
    wanted = {name for name in names if name in COLUMNS} or set(DEFAULT_COLUMNS)
    return [column for name, column in COLUMNS.items() if name in wanted]


def chosen_columns(cookie: str | None) -> list[CallColumn]:
    """What was chosen once, in this browser."""
    return columns_by_name((cookie or "").split(_BETWEEN))


def columns_cookie_value(names: Iterable[str]) -> str:
    """The names as the cookie's value; unknown ones are left out."""
    return _BETWEEN.join(column.name for column in columns_by_name(names))
