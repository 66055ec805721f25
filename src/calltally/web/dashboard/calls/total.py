"""Page of the list for filters without counters.

It returns the rows at once; a second request counts the total.
"""

from functools import partial
from typing import Any, Final, NamedTuple

import msgspec

from calltally.calls.identity import parse_uuid
from calltally.calls.list_query import DEFAULT_LIMIT, MAX_LIMIT, ListQuery, parse_list_query
from calltally.store.listing.browse import BrowsePosition, browse, count, count_fresh
from calltally.store.listing.list_calls import is_seek, list_calls
from calltally.web.auth.search_rights import with_search
from calltally.web.dashboard.calls.links import (
    AFTER,
    BEFORE,
    COUNTED,
    SOUGHT,
    ListPosition,
    first_value,
    non_empty,
    pager,
    parse_number,
    with_page_offset,
)
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.formats import grouped
from calltally.web.dashboard.pages import page
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.dependencies import Dependencies
from calltally.web.request.query import Pairs
from calltally.web.response.response import Response

COUNT: Final = "/calls-count"
NEWS: Final = "/calls-news"


class ListRequest(NamedTuple):
    """Parsed URL of a page of the list; `position` is its position next to a call."""

    pairs: Pairs
    query: ListQuery
    position: BrowsePosition | None
    is_counted: bool

    @property
    def has_counters(self) -> bool:
        """Return whether counters give the total at once."""
        return is_seek(self.query.filter) or (self.position is None and self.query.after is not None)


class ListPage(NamedTuple):
    """The calls of a page, the snapshot to read them again, and their position in the list."""

    calls: list[dict[str, Any]]
    snapshot: str
    position: ListPosition


def parse_list_request(pairs: Pairs, visitor: Visitor) -> ListRequest:
    """Parse a URL of the dashboard. Raises InvalidInput and Forbidden as the API does."""
    pairs = with_page_offset(non_empty(pairs), page_limit(pairs))
    position = _position_in(pairs)
    own_names = {COUNTED, BEFORE, SOUGHT} | ({AFTER} if position is not None else set())
    query = parse_list_query([pair for pair in pairs if pair[0] not in own_names], allow_tenant=False)
    return ListRequest(pairs, with_search(query, visitor.access), position, bool(first_value(pairs, COUNTED)))


def page_limit(pairs: Pairs) -> int:
    return min(max(parse_number(first_value(pairs, "limit"), otherwise=DEFAULT_LIMIT), 1), MAX_LIMIT)


async def read_list_page(deps: Dependencies, visitor: Visitor, list_request: ListRequest) -> ListPage:
    """Read the rows of a page, and the total if it is quick or requested."""
    query, store = list_request.query, deps.store
    if list_request.has_counters:
        read = partial(list_calls, visitor.tenant, query)
        listed = await store.read_tenant(visitor.tenant, read, long=not is_seek(query.filter))
        calls = _decoded(visitor, listed.records)
        has_more = listed.offset + query.limit < listed.total
        position = ListPosition(query.limit, listed.offset, len(calls), listed.total, listed.total, has_more)
        return ListPage(calls, listed.snapshot, position)
    browse_page = partial(browse, visitor.tenant, query, list_request.position)
    found = await store.read_tenant(visitor.tenant, browse_page, long=True)
    total = found.total
    if total is None and list_request.is_counted:
        total = await _count_total(deps, visitor, msgspec.structs.replace(query, snapshot=found.snapshot))
    calls = _decoded(visitor, found.records)
    ends = (calls[0]["id"], calls[-1]["id"]) if calls else None
    position = ListPosition(
        query.limit, query.offset, len(calls), total, found.at_least, found.has_more, ends
    )
    return ListPage(calls, found.snapshot, position)


@page(COUNT)
async def count_calls(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    """Return the exact total as formatted text. The count may take long."""
    list_request = parse_list_request(pairs, visitor)
    query = list_request.query
    total = await _count_total(dependencies_of(request), visitor, query)
    links = pager(
        list_request.pairs, query.snapshot or "", ListPosition(query.limit, query.offset, 0, total, total)
    )
    values = {
        "total": total_text(total, total),
        "pages": text("of_pages", pages=grouped(links.pages or 1)),
        "export": text("export_hint", total=grouped(total)),
        "last": links.last,
    }
    return Response.json(values)


@page(NEWS)
async def count_new_calls(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    """Return the number of calls that the list gained since its snapshot, by the changes since."""
    list_request = parse_list_request(pairs, visitor)
    read = partial(count_fresh, visitor.tenant, list_request.query)
    return Response.json(
        {"more": await dependencies_of(request).store.read_tenant(visitor.tenant, read, long=True)}
    )


def total_text(total: int | None, at_least: int) -> str:
    """Format as `124,958 calls`, or as `More than 5,000 calls` for a total that is not counted yet.

    `store/listing/total_bound.py` has the number of calls that are counted at once.
    """
    count = text("total", count=grouped(at_least if total is None else total))
    return f"More than {count}" if total is None else count


async def _count_total(deps: Dependencies, visitor: Visitor, query: ListQuery) -> int:
    read = partial(count, visitor.tenant, query)
    return int(await deps.store.read_tenant(visitor.tenant, read, long=True))


def _decoded(visitor: Visitor, records: bytes) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = msgspec.json.decode(visitor.mask(b"[" + records + b"]"))
    return calls


def _position_in(pairs: Pairs) -> BrowsePosition | None:
    """Return the call next to which the page begins or ends; such links also contain the offset."""
    if not first_value(pairs, "offset"):
        return None
    for name in (AFTER, BEFORE):
        if call_id := parse_uuid(first_value(pairs, name)):
            return BrowsePosition(call_id, is_before=name == BEFORE)
    return None
