"""The list: a page of calls with its total, by the seek where counters answer, else by the rows."""

from typing import Any

from calltally.calls.filters import CallFilter, ListQuery
from calltally.calls.identity import call_uuid
from calltally.calls.model import DIRECTION_NUMBER, STATUS_NUMBER
from calltally.store.lookup import resolve
from calltally.store.seek import Page, Seek, facet_of
from calltally.store.steps import Statement, Step

__all__ = ["Page", "is_seek", "list_calls"]

_FIRST_US = 0
_LAST_US = 2**62


def is_seek(calls: CallFilter) -> bool:
    """Whether this filter costs the same at any size; others grow with the calls that match."""
    return facet_of(calls) is not None or calls.call_sid is not None


def list_calls(tenant: str, query: ListQuery) -> Step[Page]:
    """The page of `tenant`'s calls that `query` asks for."""
    facet_name = facet_of(query.filter)
    if facet_name is not None:
        return (yield from Seek(tenant, query, facet_name).page())
    return (yield from _scan(tenant, query))


def _scan(tenant: str, query: ListQuery) -> Step[Page]:
    params = yield from _params(tenant, query)
    filters = (("filters", _filters(query.filter)),)
    window = {**params, "skip": query.offset, "most": query.limit}
    ordered = (*filters, ("way", "DESC" if query.order == "desc" else "ASC"))
    if query.filter.number is None:
        count, take = Statement("scan_total", params, filters), Statement("scan_records", window, ordered)
    else:
        count, take = Statement("number_total", params, filters), Statement("number_records", window, ordered)
    [(total,)] = yield count
    rows = (yield take) if query.offset < total else []
    return Page(b",".join(record for (record,) in rows), total)


def _params(tenant: str, query: ListQuery) -> Step[dict[str, Any]]:
    calls = query.filter
    params: dict[str, Any] = {
        "tenant": tenant,
        "lo_us": _FIRST_US if calls.from_us is None else calls.from_us,
        "hi_us": _LAST_US if calls.to_us is None else calls.to_us,
    }
    named = {name: getattr(calls, name) for name in ("route", "agent", "provider", "number")}
    params |= {name: value for name, value in named.items() if value is not None}
    if calls.call_sid is not None:
        params["id"] = yield from resolve(tenant, call_uuid(tenant, calls.call_sid))
    return params


# What each filter is in SQL. Numbers of ours stand in the text, so that partial indexes are seen to apply.
_CONDITIONS = {
    "route": "AND c.route = :route",
    "agent": "AND c.agent = :agent",
    "provider": "AND c.provider = :provider",
    "call_sid": "AND c.id = :id",
}


def _filters(calls: CallFilter) -> str:
    parts = [condition for name, condition in _CONDITIONS.items() if getattr(calls, name) is not None]
    if calls.statuses:
        numbers = ", ".join(str(STATUS_NUMBER[status]) for status in calls.statuses)
        parts.append(f"AND c.status IN ({numbers})")
    if calls.direction is not None:
        parts.append(f"AND c.direction = {DIRECTION_NUMBER[calls.direction]}")
    if calls.escalated is not None:
        parts.append(f"AND c.escalated = {int(calls.escalated)}")
    return " ".join(parts)
