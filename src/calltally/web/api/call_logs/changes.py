"""`GET /api/v1/changes`: what changed since a point, gapless, for copies that follow."""

from functools import partial
from typing import Final

from litestar import get

from calltally.calls.feed_query import FEED_PARAMETERS, FeedQuery, parse_feed_query
from calltally.calls.times import utc_text
from calltally.calls.watermark import watermark_us
from calltally.store.listing.list_calls import SEPARATOR
from calltally.store.snapshots.change_feed import ChangeFeedPage, changes_after, lags_of
from calltally.web.auth.admission import pairs_without_tenant
from calltally.web.openapi.call_schema import CALL_CHANGES, CALL_TAG, EXAMPLE_CHANGES
from calltally.web.openapi.operation import Operation, ResponseSpec
from calltally.web.request.access import CALLS_READ
from calltally.web.request.context import AnyRequest, dependencies_of, tenant_of
from calltally.web.response.response import Response

# Of how many calls the lags are looked at.
_RECENT: Final = 2_000
_WORDS: Final = (b"false", b"true")

CHANGES: Final = Operation(
    id="listChanges",
    tag=CALL_TAG,
    summary="What changed since a point, in the order in which it did.",
    description="Each call once, at its newest state, and a tombstone for each that was merged into another,"
    " erased or expired. Whoever applies all of it in its order has at `has_more: false` what the source has."
    " `watermark` is the time before which nothing more is expected, from what the providers' lags have"
    " been.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    query=FEED_PARAMETERS,
    responses={
        200: ResponseSpec(description="A stretch of the feed.", schema=CALL_CHANGES, example=EXAMPLE_CHANGES)
    },
    problems=("snapshot-gone",),
)


@get("/api/v1/changes", operation=CHANGES)
async def list_changes(request: AnyRequest) -> Response:
    """Where there is nothing yet, wait for as long as was asked for, and look once more."""
    deps, tenant = dependencies_of(request), tenant_of(request)
    query = parse_feed_query(pairs_without_tenant(request))
    read = partial(changes_after, tenant, query.after, query.limit)
    changed = await deps.store.read_tenant(tenant, read)
    if query.wait_s and not changed.documents:
        await deps.long_polls.wait_for_revision(tenant, changed.reached, query.wait_s)
        changed = await deps.store.read_tenant(tenant, read, at_least=changed.reached + 1)
    lags = await deps.store.read_tenant(tenant, partial(lags_of, tenant, _RECENT))
    return Response(_body(changed, query, watermark_us(deps.clock(), lags)))


def _body(changed: ChangeFeedPage, query: FeedQuery, until_us: int | None) -> bytes:
    watermark = b"null" if until_us is None else b'"%b"' % utc_text(until_us).encode()
    tail = b'],"limit":%d,"next":"%b","has_more":%b,"revision":%d,"watermark":%b}' % (
        query.limit,
        changed.position.encode(),
        _WORDS[changed.has_more],
        changed.ledger_head.revision,
        watermark,
    )
    return b"".join((b'{"data":[', SEPARATOR.join(changed.documents), tail))
