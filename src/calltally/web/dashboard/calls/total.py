"""The list's rows without waiting for how many calls there are: that is told by a request of its own."""

from functools import partial
from typing import Any, Final, NamedTuple

import msgspec
from litestar import get

from calltally.calls.filters import DEFAULT_LIMIT, MAX_LIMIT, ListQuery, parse_list_query
from calltally.calls.identity import parse_uuid
from calltally.store.listing.browse import BrowsePosition, browse, count, count_fresh
from calltally.store.listing.list_calls import is_seek, list_calls
from calltally.web.api.call_logs.list_calls import with_search
from calltally.web.dashboard.calls.links import (
    AFTER,
    BEFORE,
    COUNTED,
    ListPosition,
    first_value,
    non_empty,
    pager,
    parse_number,
    with_page_offset,
)
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.error_page import handle_page_exception
from calltally.web.dashboard.number_format import grouped
from calltally.web.dashboard.operations import page_operation
from calltally.web.dashboard.sign_in.visitor import Visitor, visitor_of
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.dependencies import Dependencies
from calltally.web.request.query import Pairs, query_pairs
from calltally.web.response.response import Response

COUNT: Final = "/calls-count"
NEWS: Final = "/calls-news"
_HANDLING: Final[Any] = {Exception: handle_page_exception}


class ListRequest(NamedTuple):
    """One page of the list as its URL asks for it; `place` where it begins beside a call."""

    pairs: Pairs
    query: ListQuery
    place: BrowsePosition | None
    is_counted: bool

    @property
    def is_quick(self) -> bool:
        """Whether the counters tell at once how many calls there are."""
        return is_seek(self.query.filter) or (self.place is None and self.query.after is not None)


class ListPage(NamedTuple):
    """What was found: the calls, the snapshot that shows them again, and where in the list they are."""

    calls: list[dict[str, Any]]
    snapshot: str
    shown: ListPosition


def parse_list_request(pairs: Pairs, visitor: Visitor) -> ListRequest:
    """The page that a URL of ours asks for. Raises InvalidInput and Forbidden as the API does."""
    pairs = with_page_offset(non_empty(pairs), page_limit(pairs))
    place = _place_in(pairs)
    ours = {COUNTED, BEFORE} | ({AFTER} if place is not None else set())
    query = parse_list_query([pair for pair in pairs if pair[0] not in ours], allow_tenant=False)
    return ListRequest(pairs, with_search(query, visitor.access), place, bool(first_value(pairs, COUNTED)))


def page_limit(pairs: Pairs) -> int:
    """How many calls a page has."""
    return min(max(parse_number(first_value(pairs, "limit"), otherwise=DEFAULT_LIMIT), 1), MAX_LIMIT)


async def read_list_page(deps: Dependencies, visitor: Visitor, asked: ListRequest) -> ListPage:
    """The rows of a page; how many calls there are where that is told at once, or asked for."""
    query, store = asked.query, deps.store
    if asked.is_quick:
        read = partial(list_calls, visitor.tenant, query)
        listed = await store.read_tenant(visitor.tenant, read, long=not is_seek(query.filter))
        calls = _decoded(visitor, listed.records)
        has_more = listed.offset + query.limit < listed.total
        shown = ListPosition(query.limit, listed.offset, len(calls), listed.total, listed.total, has_more)
        return ListPage(calls, listed.snapshot, shown)
    look = partial(browse, visitor.tenant, query, asked.place)
    found = await store.read_tenant(visitor.tenant, look, long=True)
    total = found.total
    if total is None and asked.is_counted:
        total = await _counted(deps, visitor, msgspec.structs.replace(query, snapshot=found.snapshot))
    calls = _decoded(visitor, found.records)
    ends = (calls[0]["id"], calls[-1]["id"]) if calls else None
    shown = ListPosition(query.limit, query.offset, len(calls), total, found.at_least, found.has_more, ends)
    return ListPage(calls, found.snapshot, shown)


@get(COUNT, operation=page_operation(COUNT), exception_handlers=_HANDLING)
async def count_calls(request: AnyRequest) -> Response:
    """How many calls a list has, in the words of its foot; it takes as long as it takes."""
    visitor = await visitor_of(request)
    asked = parse_list_request(query_pairs(request.scope["query_string"]), visitor)
    query = asked.query
    total = await _counted(dependencies_of(request), visitor, query)
    around = pager(
        asked.pairs, query.snapshot or "", ListPosition(query.limit, query.offset, 0, total, total)
    )
    told = {
        "total": total_text(total),
        "pages": text("of_pages", pages=grouped(around.pages or 1)),
        "export": text("export_hint", total=grouped(total)),
        "last": around.last,
    }
    return Response.json(told)


@get(NEWS, operation=page_operation(NEWS), exception_handlers=_HANDLING)
async def count_new_calls(request: AnyRequest) -> Response:
    """How many more calls a list has now than when it was opened: that is found by what has changed since."""
    visitor = await visitor_of(request)
    asked = parse_list_request(query_pairs(request.scope["query_string"]), visitor)
    read = partial(count_fresh, visitor.tenant, asked.query)
    return Response.json(
        {"more": await dependencies_of(request).store.read_tenant(visitor.tenant, read, long=True)}
    )


def total_text(total: int) -> str:
    """`124,958 calls`."""
    return text("total_one") if total == 1 else text("total", total=grouped(total))


async def _counted(deps: Dependencies, visitor: Visitor, query: ListQuery) -> int:
    read = partial(count, visitor.tenant, query)
    return int(await deps.store.read_tenant(visitor.tenant, read, long=True))


def _decoded(visitor: Visitor, records: bytes) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = msgspec.json.decode(visitor.seen(b"[" + records + b"]"))
    return calls


def _place_in(pairs: Pairs) -> BrowsePosition | None:
    """The call that a page begins behind, or ends before, by links of ours: they say the offset as well."""
    if not first_value(pairs, "offset"):
        return None
    for name in (AFTER, BEFORE):
        if call_id := parse_uuid(first_value(pairs, name)):
            return BrowsePosition(call_id, is_before=name == BEFORE)
    return None
