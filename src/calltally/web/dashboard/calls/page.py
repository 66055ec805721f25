"""`/calls`: the list, with every filter of the API in its URL."""

from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from litestar import get
from litestar.types import ASGIApp

from calltally.calls.filters import ListQuery
from calltally.calls.model import DIRECTIONS, STATUSES
from calltally.calls.times import EPOCH, utc_text
from calltally.web.api.call_logs.list_calls import list_call_logs
from calltally.web.dashboard.calls.columns import COLUMNS, COLUMNS_COOKIE, chosen_columns
from calltally.web.dashboard.calls.links import (
    AFTER,
    BEFORE,
    COUNTED,
    chips,
    filters_only,
    non_empty,
    pager,
    url,
)
from calltally.web.dashboard.calls.local_window import field_value, has_local_times, in_utc, window_choices
from calltally.web.dashboard.calls.rows import LONG, days
from calltally.web.dashboard.calls.saved_views import VIEWS_COOKIE, read_views
from calltally.web.dashboard.calls.search_box import search_path
from calltally.web.dashboard.calls.total import (
    COUNT,
    NEWS,
    ListPage,
    ListRequest,
    parse_list_request,
    read_list_page,
    total_text,
)
from calltally.web.dashboard.error_page import handle_page_exception
from calltally.web.dashboard.operations import page_operation
from calltally.web.dashboard.rendering import redirect, render_page, status_mark
from calltally.web.dashboard.sign_in.page import session_header
from calltally.web.dashboard.sign_in.visitor import Visitor, cookie_of, visitor_of
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.public_url import public_origin
from calltally.web.request.query import Pairs, query_pairs
from calltally.web.response.response import Headers, Response

PAGE_SIZES: Final = (25, 50, 100, 250, 1000)
EXPORTS: Final = ("csv", "ndjson", "parquet")
API: Final = "/api/v1/call-logs"
EXPORT: Final = "/calls-export"
_WITH_KEY: Final = '-H "Authorization: Bearer ${CALLTALLY_API_KEY}"'
_HANDLING: Final[Any] = {Exception: handle_page_exception}


@get("/calls", operation=page_operation("/calls"), exception_handlers=_HANDLING)
async def show_calls(request: AnyRequest) -> Response:
    """Show a page of calls. Its links contain the snapshot, so that rows stay in place."""
    visitor = await visitor_of(request)
    pairs = non_empty(query_pairs(request.scope["query_string"]))
    if has_local_times(query_pairs(request.scope["query_string"])):
        return redirect(url(in_utc(pairs, visitor.zone)))
    if pairs and pairs[0][0] == "find":
        return redirect(await search_path(dependencies_of(request), visitor.tenant, pairs[0][1]))
    list_request = parse_list_request(pairs, visitor)
    list_page = await read_list_page(dependencies_of(request), visitor, list_request)
    values = _values(request, list_request, list_page) | _choices(
        request, visitor, list_request.pairs, list_request.query
    )
    return render_page(
        "calls.html", visitor, values | _rows(request, visitor, list_page), headers=renewed(request, visitor)
    )


@get("/calls-export", operation=page_operation("/calls-export"), exception_handlers=_HANDLING)
async def export_calls(request: AnyRequest) -> ASGIApp:
    """Return the listed calls as a file, authorized by the session."""
    await visitor_of(request)
    answer: ASGIApp = await list_call_logs.fn(request)
    return answer


def renewed(request: AnyRequest, visitor: Visitor) -> Headers:
    """Return the renewed session cookie if it is due."""
    now_us = dependencies_of(request).clock()
    if not visitor.session.needs_renewal(now_us):
        return ()
    return session_header(request, visitor.session._replace(seen_us=now_us))


def _rows(request: AnyRequest, visitor: Visitor, list_page: ListPage) -> dict[str, Any]:
    """Return the calls by day, in the columns of this browser."""
    columns = chosen_columns(cookie_of(request, COLUMNS_COOKIE))
    rows_by_day = days(list_page.calls, visitor.zone, columns, status_mark)
    return {"columns": columns, "days": rows_by_day, "is_long": len(list_page.calls) > LONG}


def _values(request: AnyRequest, list_request: ListRequest, list_page: ListPage) -> dict[str, Any]:
    """Return the counts and the links."""
    here = filters_only(list_request.pairs)
    # A file has no pages.
    whole = [*(pair for pair in here if pair[0] != "limit"), ("snapshot", list_page.snapshot)]
    position = list_page.position
    return {
        "has_calls": position.total is None or position.total > 0,
        "pager": pager(list_request.pairs, list_page.snapshot, position),
        "chips": chips(list_request.pairs),
        "is_still": list_request.query.snapshot is not None,
        "fresh": url(here),
        "has_filters": any(name not in {"limit", "order"} for name, _value in here),
        "exports": [(name, url([*whole, ("format", name)], EXPORT)) for name in EXPORTS],
        "curl": curl_of(request, url(here, API)),
        "first_event": _first_event(request),
        "here": url(list_request.pairs),
        "hidden": [("snapshot", list_page.snapshot), *here],
        **_counts(list_request, list_page),
    }


def _counts(list_request: ListRequest, list_page: ListPage) -> dict[str, Any]:
    """Return the total or the link to count it, and the link that polls for new calls."""
    position, here = list_page.position, filters_only(list_request.pairs)
    counted = [*here, ("snapshot", list_page.snapshot), ("offset", str(position.offset))]
    adjacent = [pair for pair in list_request.pairs if pair[0] in {AFTER, BEFORE}]
    unlimited = [pair for pair in here if pair[0] != "limit"]
    return {
        "total": position.total,
        "total_text": total_text(position.at_least if position.total is None else position.total),
        "at_least": position.at_least,
        "count": url(counted, COUNT),
        "counted": url([*counted, *adjacent, (COUNTED, "yes")]),
        "poll": url([*unlimited, ("limit", "1")], EXPORT)
        if list_request.has_counters
        else url([*unlimited, ("snapshot", list_page.snapshot)], NEWS),
    }


def _choices(request: AnyRequest, visitor: Visitor, pairs: Pairs, query: ListQuery) -> dict[str, Any]:
    """Return the choices of the list's forms, with the current ones."""
    here = filters_only(pairs)
    values = dict(here)
    now = EPOCH + timedelta(microseconds=dependencies_of(request).clock())
    timeless = [pair for pair in here if pair[0] not in {"from", "to"}]
    return {
        "asked": values,
        "statuses_asked": set(query.filter.statuses),
        "typed": {name: field_value(values.get(name, ""), visitor.zone) for name in ("from", "to")},
        "windows": [
            (window.name, url([*timeless, *non_empty((("from", window.begin), ("to", window.end)))]))
            for window in window_choices(now, visitor.zone)
        ],
        "choices": {"statuses": STATUSES, "directions": DIRECTIONS, "sizes": PAGE_SIZES},
        "all_columns": COLUMNS,
        "limit": query.limit,
        "views": read_views(cookie_of(request, VIEWS_COOKIE)),
        "query": urlencode(here),
    }


def curl_of(request: AnyRequest, path: str) -> str:
    """Return the same request as a curl command."""
    return f'curl -sS "{public_origin(request)}{path}" {_WITH_KEY}'


def _first_event(request: AnyRequest) -> str:
    now = utc_text(dependencies_of(request).clock())[:19]
    event = f'{{"id": "1", "call_sid": "first-call", "occurred_at": "{now}Z", "status": "completed"}}'
    return (
        f'curl -sS "{public_origin(request)}/api/v1/events" {_WITH_KEY} \\\n'
        f"  -H 'Content-Type: application/json' -d '{event}'"
    )
