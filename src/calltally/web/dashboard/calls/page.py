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
    """A page of calls. Its links carry the snapshot, so that rows do not move while one reads."""
    visitor = await visitor_of(request)
    pairs = non_empty(query_pairs(request.scope["query_string"]))
    if has_local_times(query_pairs(request.scope["query_string"])):
        return redirect(url(in_utc(pairs, visitor.zone)))
    if pairs and pairs[0][0] == "find":
        return redirect(await search_path(dependencies_of(request), visitor.tenant, pairs[0][1]))
    asked = parse_list_request(pairs, visitor)
    leaf = await read_list_page(dependencies_of(request), visitor, asked)
    values = _values(request, asked, leaf) | _choices(request, visitor, asked.pairs, asked.query)
    return render_page(
        "calls.html", visitor, values | _rows(request, visitor, leaf), headers=renewed(request, visitor)
    )


@get("/calls-export", operation=page_operation("/calls-export"), exception_handlers=_HANDLING)
async def export_calls(request: AnyRequest) -> ASGIApp:
    """Exactly what is shown, as a file, by the session instead of a key in a header."""
    await visitor_of(request)
    answer: ASGIApp = await list_call_logs.fn(request)
    return answer


def renewed(request: AnyRequest, visitor: Visitor) -> Headers:
    """The cookie anew, where it was used for a while."""
    now_us = dependencies_of(request).clock()
    if not visitor.session.is_worn(now_us):
        return ()
    return session_header(request, visitor.session._replace(seen_us=now_us))


def _rows(request: AnyRequest, visitor: Visitor, leaf: ListPage) -> dict[str, Any]:
    """The calls under their days, in the columns that this browser has chosen."""
    columns = chosen_columns(cookie_of(request, COLUMNS_COOKIE))
    shown = days(leaf.calls, visitor.zone, columns, status_mark)
    return {"columns": columns, "days": shown, "is_long": len(leaf.calls) > LONG}


def _values(request: AnyRequest, asked: ListRequest, leaf: ListPage) -> dict[str, Any]:
    """How many there are, and where all links lead."""
    here = filters_only(asked.pairs)
    # A file has no pages.
    whole = [*(pair for pair in here if pair[0] != "limit"), ("snapshot", leaf.snapshot)]
    shown = leaf.shown
    return {
        "has_calls": shown.total is None or shown.total > 0,
        "pager": pager(asked.pairs, leaf.snapshot, shown),
        "chips": chips(asked.pairs),
        "is_still": asked.query.snapshot is not None,
        "fresh": url(here),
        "has_filters": any(name not in {"limit", "order"} for name, _value in here),
        "exports": [(name, url([*whole, ("format", name)], EXPORT)) for name in EXPORTS],
        "curl": curl_of(request, url(here, API)),
        "first_event": _first_event(request),
        "here": url(asked.pairs),
        "hidden": [("snapshot", leaf.snapshot), *here],
        **_counts(asked, leaf),
    }


def _counts(asked: ListRequest, leaf: ListPage) -> dict[str, Any]:
    """How many calls there are, or where that is counted; and where a page asks what has come since."""
    shown, here = leaf.shown, filters_only(asked.pairs)
    counted = [*here, ("snapshot", leaf.snapshot), ("offset", str(shown.offset))]
    beside = [pair for pair in asked.pairs if pair[0] in {AFTER, BEFORE}]
    unlimited = [pair for pair in here if pair[0] != "limit"]
    return {
        "total": shown.total,
        "told_total": total_text(shown.at_least if shown.total is None else shown.total),
        "at_least": shown.at_least,
        "count": url(counted, COUNT),
        "counted": url([*counted, *beside, (COUNTED, "yes")]),
        "poll": url([*unlimited, ("limit", "1")], EXPORT)
        if asked.is_quick
        else url([*unlimited, ("snapshot", leaf.snapshot)], NEWS),
    }


def _choices(request: AnyRequest, visitor: Visitor, pairs: Pairs, query: ListQuery) -> dict[str, Any]:
    """What the forms of the list offer, with what is chosen now."""
    here = filters_only(pairs)
    asked = dict(here)
    now = EPOCH + timedelta(microseconds=dependencies_of(request).clock())
    timeless = [pair for pair in here if pair[0] not in {"from", "to"}]
    return {
        "asked": asked,
        "statuses_asked": set(query.filter.statuses),
        "typed": {name: field_value(asked.get(name, ""), visitor.zone) for name in ("from", "to")},
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
    """The same question as a command."""
    return f'curl -sS "{public_origin(request)}{path}" {_WITH_KEY}'


def _first_event(request: AnyRequest) -> str:
    now = utc_text(dependencies_of(request).clock())[:19]
    event = f'{{"id": "1", "call_sid": "first-call", "occurred_at": "{now}Z", "status": "completed"}}'
    return (
        f'curl -sS "{public_origin(request)}/api/v1/events" {_WITH_KEY} \\\n'
        f"  -H 'Content-Type: application/json' -d '{event}'"
    )
