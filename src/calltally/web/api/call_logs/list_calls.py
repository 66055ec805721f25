"""`GET /api/v1/call-logs`: the list that the reference page describes."""

from functools import lru_cache, partial
from typing import Final, NamedTuple

from litestar import get
from litestar.types import ASGIApp
from msgspec.structs import replace

from calltally.calls.filters import PARAMETERS, ListQuery, parse_list_query
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
from calltally.web.api.call_logs.streams import STREAM_HEADERS, STREAMED, stream_plan
from calltally.web.auth.search_rights import check_filter
from calltally.web.openapi.call_schema import CALL_PAGE, CALL_TAG, EXAMPLE_PAGE
from calltally.web.openapi.operation import Operation, ResponseSpec
from calltally.web.request.access import CALLS_READ, TRANSCRIPTS_READ, Access
from calltally.web.request.context import AnyRequest, access_of, context_of, dependencies_of, tenant_of
from calltally.web.request.query import query_pairs
from calltally.web.response.etags import ETAG_HEADERS, etag_matches, weak_etag
from calltally.web.response.link_header import LINK_HEADERS, PageWindow, link_header
from calltally.web.response.response import Response

# Raised when the shape of an answer changes, so that nobody keeps one of the old shape.
_SHAPE: Final = 2

LIST: Final = Operation(
    id="listCallLogs",
    tag=CALL_TAG,
    summary="List operational call history.",
    description="Newest first, unless `order` says otherwise. `total` is exact. `snapshot` and `hold` make pages"
    " stand still while calls come in. The admin key names a tenant by `tenant=`; other keys read their own."
    " By `format` or Accept the whole window comes as one file; `limit` and `offset` then take a part of it.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    query=PARAMETERS,
    parses_query=True,
    responses={
        200: ResponseSpec(
            description="One page.",
            schema=CALL_PAGE,
            example=EXAMPLE_PAGE,
            headers={**LINK_HEADERS, **ETAG_HEADERS, **STREAM_HEADERS},
            alternatives=STREAMED,
        ),
        304: ResponseSpec(description="What the client has by its If-None-Match is still what it would get."),
    },
    problems=("snapshot-gone",),
)


class _Asked(NamedTuple):
    """What an answer is a function of, beside the state of the ledger."""

    query: ListQuery
    is_masked: bool


class _Found(NamedTuple):
    """The tag of an answer, and the answer itself where the client does not have it."""

    tag: bytes
    listed: ListedPage | None


@get("/api/v1/call-logs", operation=LIST)
async def list_call_logs(request: AnyRequest) -> ASGIApp:
    """The records are joined as the ledger wrote them: nothing is decoded or encoded again."""
    query = list_query(request)
    plan = stream_plan(request, query)
    found = await _find(request, plan.first if plan else query, plan.asked if plan else query)
    if found.listed is None:
        return Response(b"", status=304, media_type=b"", headers=((b"etag", found.tag),))
    if plan:
        return plan.answer(request, found.listed, ((b"etag", found.tag),))
    records, total, offset, snapshot = found.listed
    tail = b'],"limit":%d,"offset":%d,"total":%d,"snapshot":"%b"}'
    # Joined rather than formatted, which takes twenty times as long over a page of 1,000.
    body = b"".join((b'{"data":[', records, tail % (query.limit, offset, total, snapshot.encode())))
    links = link_header(request, PageWindow(query.limit, offset, total, snapshot))
    return Response(body, headers=(links, (b"etag", found.tag)))


def list_query(request: AnyRequest) -> ListQuery:
    """What is asked for, with what the key may search. Raises InvalidInput with every fault."""
    access = access_of(request)
    return with_search(_parsed(request.scope["query_string"], allow_tenant=access.is_admin), access)


def with_search(query: ListQuery, access: Access) -> ListQuery:
    """The query with what the key may search: transcripts only for those that may read them.

    Raises Forbidden for a filter by which it could find out numbers that are masked for it.
    """
    check_filter(query.filter, access)
    if query.filter.q is None:
        return query
    searched = replace(query.filter, in_transcripts=access.has_scope(TRANSCRIPTS_READ))
    return replace(query, filter=searched)


# Dashboards ask the same again and again, and parsing is a fifth of what an answer costs without the store.
@lru_cache(maxsize=256)
def _parsed(query: bytes, *, allow_tenant: bool) -> ListQuery:
    return parse_list_query(query_pairs(query), allow_tenant=allow_tenant)


async def _find(request: AnyRequest, query: ListQuery, asked: ListQuery) -> _Found:
    """The answer to `query`, under the tag of what was `asked`, of which a stream reads a part at a time."""
    deps, tenant = dependencies_of(request), tenant_of(request)
    known = context_of(request.scope).headers.get(b"if-none-match")
    is_long = not is_seek(query.filter)
    answer = partial(_answer, tenant, query, known, _Asked(asked, access_of(request).is_masked))
    if query.hold is None:
        found = await deps.store.read_tenant(tenant, answer, long=is_long)
    else:
        # A replica may still have what the name was pinned to before.
        found = await deps.store.read(answer(), long=is_long)
    if found is None and query.hold is not None:
        await deps.store.write(pin_hold(tenant, query.hold, deps.clock()))
        found = await deps.store.read(answer(), long=is_long)
    if found is None:
        message = "a hold that was just pinned is not there"
        raise RuntimeError(message)
    return found


def _answer(
    tenant: str, query: ListQuery, known: bytes | None, asked: _Asked
) -> StoreOperation[_Found | None]:
    """None where the query names a hold that has yet to be pinned. What the client has costs one key read."""
    if known is None and is_present(query):
        view, listed = yield from list_present(tenant, query)
        return _Found(_tag(view, asked), listed)
    named = yield from view_of(tenant, query)
    if named is None:
        return None
    view = named
    tag = _tag(view, asked)
    if etag_matches(known, tag):
        return _Found(tag, None)
    return _Found(tag, (yield from list_view(view, query)))


@lru_cache(maxsize=1_024)
def _tag(view: LedgerView, asked: _Asked) -> bytes:
    # The query as it was read says what the key may search as well, and all ways to ask the same are one.
    ledger_head = view.ledger_head
    return weak_etag(_SHAPE, ledger_head.tenant, ledger_head.epoch, view.as_of, ledger_head.erasures, *asked)
