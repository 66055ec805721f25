"""`GET /api/v1/call-logs`: the list of calls."""

from functools import lru_cache, partial
from typing import Final, NamedTuple

import msgspec
from litestar import get
from litestar.types import ASGIApp

from calltally.calls.list_query import PARAMETERS, ListQuery, parse_list_query
from calltally.store.db.operation import StoreOperation
from calltally.store.listing.list_calls import (
    LedgerView,
    ListedPage,
    is_present,
    is_seek,
    list_present,
    list_view,
    view_of,
)
from calltally.store.snapshots.holds import pin_hold
from calltally.web.api.call_logs.name_hints import name_hint
from calltally.web.api.call_logs.streams import STREAMED, stream_plan
from calltally.web.auth.search_rights import with_search
from calltally.web.openapi.call_schema import CALL_PAGE, CALL_TAG, EXAMPLE_PAGE
from calltally.web.openapi.operation import Operation, ResponseSpec
from calltally.web.request.access import CALLS_READ
from calltally.web.request.context import AnyRequest, access_of, context_of, dependencies_of, tenant_of
from calltally.web.request.query import query_pairs
from calltally.web.response.paging import LINK_HEADERS, PageWindow, link_header
from calltally.web.response.response import Response
from calltally.web.response.validators import ETAG_HEADERS, etag_matches, weak_etag

# Part of the ETag. Increase it when the response format changes, so that clients discard old responses.
_FORMAT_VERSION: Final = 2

LIST: Final = Operation(
    id="listCallLogs",
    tag=CALL_TAG,
    summary="List operational call history.",
    description="Newest first, unless `order` is `asc`. `total` is exact. `snapshot` and `hold` keep pages"
    " stable while calls arrive. The admin key names a tenant with `tenant=`; other keys read their"
    " own. With `format` or Accept, the same URL streams the whole window as CSV, NDJSON, Parquet or"
    " Arrow, as `/api/v1/call-logs.csv` and its neighbours do.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    query=PARAMETERS,
    parses_query=True,
    unpublished=("format", "tz"),
    publishes_head=True,
    responses={
        200: ResponseSpec(
            description="One page.",
            schema=CALL_PAGE,
            example=EXAMPLE_PAGE,
            headers={**LINK_HEADERS, **ETAG_HEADERS},
            alternatives=STREAMED,
        ),
        304: ResponseSpec(description="The client's copy is current, by If-None-Match."),
    },
    problems=("snapshot-gone", "format-unavailable"),
)


class _ETagKey(NamedTuple):
    """Part of the ETag: the request, apart from the state of the ledger."""

    query: ListQuery
    is_masked: bool


class _TaggedPage(NamedTuple):
    """ETag of a page, and the page unless the client has it."""

    tag: bytes
    listed: ListedPage | None


@get("/api/v1/call-logs", operation=LIST)
async def list_call_logs(request: AnyRequest) -> ASGIApp:
    """List calls. Stored records are joined without decoding or encoding."""
    access = access_of(request)
    query = with_search(_parsed(request.scope["query_string"], allow_tenant=access.is_admin), access)
    plan = stream_plan(request, query)
    found = await _find(request, plan.first if plan else query, plan.requested if plan else query)
    if found.listed is None:
        return Response(b"", status=304, media_type=b"", headers=((b"etag", found.tag),))
    if plan:
        return plan.answer(request, found.listed, ((b"etag", found.tag),))
    records, total, offset, snapshot = found.listed
    hint = None if total else await name_hint(request, query.filter)
    hinted = b"" if hint is None else b',"hint":' + msgspec.json.encode(hint)
    tail = b'],"limit":%d,"offset":%d,"total":%d,"snapshot":"%b"%b}'
    # Joined, not formatted: formatting takes twenty times as long for a page of 1,000.
    body = b"".join((b'{"data":[', records, tail % (query.limit, offset, total, snapshot.encode(), hinted)))
    links = link_header(request, PageWindow(query.limit, offset, total, snapshot))
    return Response(body, headers=(links, (b"etag", found.tag)))


# Dashboards repeat their queries, and parsing is a fifth of a response's cost without the store.
@lru_cache(maxsize=256)
def _parsed(query: bytes, *, allow_tenant: bool) -> ListQuery:
    return parse_list_query(query_pairs(query), allow_tenant=allow_tenant)


async def _find(request: AnyRequest, query: ListQuery, requested: ListQuery) -> _TaggedPage:
    """Return the page of `query`.

    Its ETag is that of `requested`, the whole request: a stream reads it in chunks.
    """
    deps, tenant = dependencies_of(request), tenant_of(request)
    if_none_match = context_of(request.scope).headers.get(b"if-none-match")
    is_long = not is_seek(query.filter)
    read_page = partial(
        _page, tenant, query, if_none_match, _ETagKey(requested, access_of(request).is_masked)
    )
    if query.hold is None:
        found = await deps.store.read_tenant(tenant, read_page, long=is_long)
    else:
        # A replica may still have the previous snapshot of the hold.
        found = await deps.store.read(read_page(), long=is_long)
    if found is None and query.hold is not None:
        await deps.store.write(pin_hold(tenant, query.hold, deps.clock()))
        found = await deps.store.read(read_page(), long=is_long)
    if found is None:
        message = "a newly pinned hold is missing"
        raise RuntimeError(message)
    return found


def _page(
    tenant: str, query: ListQuery, if_none_match: bytes | None, requested: _ETagKey
) -> StoreOperation[_TaggedPage | None]:
    """Read the page, or return None for a hold that is not pinned yet.

    A conditional request for a current page costs one key read.
    """
    if if_none_match is None and is_present(query):
        view, listed = yield from list_present(tenant, query)
        return _TaggedPage(_tag(view, requested), listed)
    named = yield from view_of(tenant, query)
    if named is None:
        return None
    view = named
    tag = _tag(view, requested)
    if etag_matches(if_none_match, tag):
        return _TaggedPage(tag, None)
    return _TaggedPage(tag, (yield from list_view(view, query)))


@lru_cache(maxsize=1_024)
def _tag(view: LedgerView, requested: _ETagKey) -> bytes:
    # The parsed query includes the search rights, and equivalent queries are equal.
    head = view.ledger_head
    return weak_etag(_FORMAT_VERSION, head.tenant, head.epoch, view.as_of, head.erasures, *requested)
