"""`/calls`: the list, with every filter of the API in its URL."""

from datetime import timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from calltally.calls.export_formats import STORAGE_FORMATS
from calltally.calls.list_query import ListQuery
from calltally.calls.model import DIRECTIONS, STATUSES
from calltally.calls.times import EPOCH, utc_text
from calltally.store.listing.existing_names import existing_names
from calltally.web.api.call_logs.list_calls import list_call_logs
from calltally.web.auth.search_rights import readable_names
from calltally.web.dashboard.calls.links import (
    AFTER,
    BEFORE,
    COUNTED,
    SOUGHT,
    chips,
    filters_only,
    first_value,
    non_empty,
    pager,
    url,
)
from calltally.web.dashboard.calls.local_window import field_value, has_local_times, in_utc, window_choices
from calltally.web.dashboard.calls.preferences import VIEWS_COOKIE, read_views
from calltally.web.dashboard.calls.rows import COLUMNS, COLUMNS_COOKIE, LONG, chosen_columns, days
from calltally.web.dashboard.calls.search_field import search_path
from calltally.web.dashboard.calls.search_note import search_note
from calltally.web.dashboard.calls.total import (
    COUNT,
    NEWS,
    ListPage,
    ListRequest,
    parse_list_request,
    read_list_page,
    total_text,
)
from calltally.web.dashboard.pages import download, page
from calltally.web.dashboard.rendering import redirect, render_page, status_mark
from calltally.web.dashboard.sign_in.visitor import Visitor, cookie_of
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.paths import service_url
from calltally.web.request.query import Pairs, query_pairs
from calltally.web.response.response import Response

_TIMES: Final = ("from", "to", "updated_from", "updated_to")
PAGE_SIZES: Final = (25, 50, 100, 250, 1000)
API: Final = "/api/v1/call-logs"
EXPORT: Final = "/calls-export"
_WITH_KEY: Final = '-H "Authorization: Bearer ${CALLTALLY_API_KEY}"'


@page("/calls")
async def show_calls(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    """Show a page of calls. Its links contain the snapshot, so that rows stay in place."""
    if has_local_times(query_pairs(request.scope["query_string"])):
        return redirect(url(in_utc(pairs, visitor.zone)))
    if pairs and pairs[0][0] == "find":
        return redirect(await search_path(dependencies_of(request), visitor, pairs[0][1]))
    list_request = parse_list_request(pairs, visitor)
    list_page = await read_list_page(dependencies_of(request), visitor, list_request)
    names = await dependencies_of(request).store.read_tenant(
        visitor.tenant, partial(existing_names, visitor.tenant)
    )
    values = _values(request, list_request, list_page) | _choices(
        request, visitor, list_request.pairs, list_request.query
    )
    searched = {
        "names": readable_names(visitor.access, names),
        "note": search_note(visitor, list_request.pairs, list_request.query.filter, names),
        "sought": first_value(list_request.pairs, SOUGHT),
    }
    return render_page(
        "calls.html", visitor, values | searched | _rows(request, visitor, list_request, list_page)
    )


export_calls = download("/calls-export", list_call_logs)


def _rows(
    request: AnyRequest, visitor: Visitor, list_request: ListRequest, list_page: ListPage
) -> dict[str, Any]:
    columns = chosen_columns(cookie_of(request, COLUMNS_COOKIE))
    first_word = (list_request.query.filter.q or "").partition(" ")[0].strip("*")
    rows_by_day = days(list_page.calls, visitor.zone, columns, status_mark, first_word)
    return {"columns": columns, "days": rows_by_day, "is_long": len(list_page.calls) > LONG}


def _values(request: AnyRequest, list_request: ListRequest, list_page: ListPage) -> dict[str, Any]:
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
        "exports": [(name, url([*whole, ("format", name)], EXPORT)) for name in STORAGE_FORMATS],
        "curl": curl_of(request, url(here, API)),
        "first_event": first_event(request),
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
        "total_text": total_text(position.total, position.at_least),
        "at_least": position.at_least,
        "count": url(counted, COUNT),
        "counted": url([*counted, *adjacent, (COUNTED, "yes")]),
        "poll": url([*unlimited, ("limit", "1")], EXPORT)
        if list_request.has_counters
        else url([*unlimited, ("snapshot", list_page.snapshot)], NEWS),
    }


def _choices(request: AnyRequest, visitor: Visitor, pairs: Pairs, query: ListQuery) -> dict[str, Any]:
    here = filters_only(pairs)
    values = dict(here)
    now = EPOCH + timedelta(microseconds=dependencies_of(request).clock())
    timeless = [pair for pair in here if pair[0] not in {"from", "to"}]
    return {
        "asked": values,
        "statuses_asked": set(query.filter.statuses),
        "typed": {name: field_value(values.get(name, ""), visitor.zone) for name in _TIMES},
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
    return f'curl -sS "{service_url(request)}{path}" {_WITH_KEY}'


def first_event(request: AnyRequest) -> str:
    """Return a curl command that sends a first event, dated now."""
    now = utc_text(dependencies_of(request).clock())[:19]
    event = f'{{"id": "1", "call_sid": "first-call", "occurred_at": "{now}Z", "status": "completed"}}'
    return (
        f'curl -sS "{service_url(request)}/api/v1/events" {_WITH_KEY} \\\n'
        f"  -H 'Content-Type: application/json' -d '{event}'"
    )
