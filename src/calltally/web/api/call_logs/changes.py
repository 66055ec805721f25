"""`GET /api/v1/changes`: a gapless change feed for copies of the ledger."""

from functools import partial
from typing import Final
from urllib.parse import urlencode

from litestar import get

from calltally.calls.feed_query import FEED_PARAMETERS, FeedQuery, parse_feed_query
from calltally.calls.times import utc_text
from calltally.calls.watermark import watermark_us
from calltally.store.listing.seek import SEPARATOR
from calltally.store.snapshots.change_feed import ChangeFeedPage, changes_after, lags_of
from calltally.web.auth.admission import pairs_without_tenant
from calltally.web.openapi.call_schema import CALL_CHANGES, CALL_TAG, EXAMPLE_CHANGES
from calltally.web.openapi.operation import Operation, one_response
from calltally.web.request.access import CALLS_READ
from calltally.web.request.context import AnyRequest, dependencies_of, link_base, tenant_of
from calltally.web.request.query import query_pairs
from calltally.web.response.response import Response

# Number of recent calls whose lags give the watermark.
_LAG_SAMPLE_CALLS: Final = 2_000
_PATH: Final = "/api/v1/changes"
_BOOLEANS: Final = (b"false", b"true")

CHANGES: Final = Operation(
    id="listChanges",
    tag=CALL_TAG,
    summary="List changes since a position, in order of revision.",
    description="Each changed call appears once, in its newest state, and each merged, erased or expired"
    " call as a tombstone. A client that applies all changes in order has an exact copy at `has_more:"
    " false`. The providers' recent delays suggest that no call before `watermark` changes any more.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    query=FEED_PARAMETERS,
    responses=one_response(
        200,
        "A batch of changes.",
        CALL_CHANGES,
        EXAMPLE_CHANGES,
        headers={"Link": "RFC 8288: the page next, while more changes exist already."},
    ),
    problems=("snapshot-gone",),
)


@get(_PATH, operation=CHANGES)
async def list_changes(request: AnyRequest) -> Response:
    """Return the changes. Without changes, wait for the requested time and read again."""
    deps, tenant = dependencies_of(request), tenant_of(request)
    query = parse_feed_query(pairs_without_tenant(request))
    read = partial(changes_after, tenant, query.after, query.limit)
    changed = await deps.store.read_tenant(tenant, read)
    if query.wait_s and not changed.documents:
        await deps.long_polls.wait_for_revision(tenant, changed.reached, query.wait_s)
        changed = await deps.store.read_tenant(tenant, read, at_least=changed.reached + 1)
    lags = await deps.store.read_tenant(tenant, partial(lags_of, tenant, _LAG_SAMPLE_CALLS))
    links = (_next_link(request, changed),) if changed.has_more else ()
    return Response(_body(changed, query, watermark_us(deps.clock(), lags)), headers=links)


def _next_link(request: AnyRequest, changed: ChangeFeedPage) -> tuple[bytes, bytes]:
    """Return the link to the next page. Without one, stock clients end their run."""
    kept = [pair for pair in query_pairs(request.scope["query_string"]) if pair[0] not in {"after", "since"}]
    query = urlencode([*kept, ("after", changed.position)])
    return b"link", f'<{link_base(request)}{_PATH}?{query}>; rel="next"'.encode()


def _body(changed: ChangeFeedPage, query: FeedQuery, until_us: int | None) -> bytes:
    watermark = b"null" if until_us is None else b'"%b"' % utc_text(until_us).encode()
    tail = b'],"limit":%d,"next":"%b","has_more":%b,"revision":%d,"watermark":%b}' % (
        query.limit,
        changed.position.encode(),
        _BOOLEANS[changed.has_more],
        changed.ledger_head.revision,
        watermark,
    )
    return b"".join((b'{"data":[', SEPARATOR.join(changed.documents), tail))
