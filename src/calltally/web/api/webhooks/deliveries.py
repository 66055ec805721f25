"""`/api/v1/webhook-endpoints/{id}/deliveries`: what became of each event, a test, and deliveries anew."""

import secrets
from typing import Final

from litestar import get, post
from litestar.handlers import HTTPRouteHandler

from calltally.calls.errors import InvalidBody, InvalidInput
from calltally.calls.event_types import TEST
from calltally.calls.identity import uuid_text
from calltally.calls.parameters import instant_value, read_values
from calltally.calls.times import utc_text
from calltally.store.db.operation import StoreOperation
from calltally.store.ledger.outbox import CommitInstant, encode_envelope, event_time
from calltally.store.webhooks.deliveries import (
    DEAD,
    LAST_ID,
    STATES,
    DeliveryFilter,
    EndpointNotice,
    ReplayRange,
    find_delivery,
    list_deliveries,
    put_notice,
    replay_one,
    replay_some,
)
from calltally.store.webhooks.endpoints import lock_deliveries, need_endpoint
from calltally.web.api.webhooks import operations
from calltally.web.api.webhooks.paths import DELIVERY, ONE, delivery_id, endpoint_id, event_id
from calltally.web.api.webhooks.schemas import (
    ReplayBody,
    ReplayResult,
    WebhookDeliveryPage,
    delivery_detail,
    delivery_resource,
)
from calltally.web.auth.admission import pairs_without_tenant
from calltally.web.request.bodies import json_body
from calltally.web.request.context import AnyRequest, dependencies_of, tenant_of
from calltally.web.response.response import Response

_HASHED: Final = 10
_KNOWN: Final = {each.name: each for each in operations.FILTERS}


@post(ONE + "/test", operation=operations.TEST, status_code=200)
async def test(request: AnyRequest) -> Response:
    """An event of no call."""
    deps, tenant, endpoint = dependencies_of(request), tenant_of(request), endpoint_id(request)
    now_us = deps.clock()
    made_id = event_time(now_us) + secrets.token_bytes(_HASHED)
    data = {"endpoint_id": uuid_text(endpoint), "sent_at": utc_text(now_us)}
    notice = EndpointNotice(
        TEST, made_id, encode_envelope(TEST, made_id, CommitInstant(tenant, "", 0, now_us), data)
    )
    await deps.store.write(_with_notice(tenant, endpoint, notice, now_us))
    found, attempts = await deps.store.read(find_delivery(tenant, endpoint, made_id))
    return Response.json(delivery_detail(found, attempts), status=202)


@get(ONE + "/deliveries", operation=operations.DELIVERIES)
async def list_some(request: AnyRequest) -> Response:
    """By the time of their events."""
    asked = read_values(pairs_without_tenant(request), _KNOWN)
    limit: int = asked.pop("limit", operations.LISTED)
    before = event_id(asked.pop("before")) if "before" in asked else LAST_ID
    if not before:
        raise InvalidInput.of("before", "before must be `next` of the page before")
    shown = DeliveryFilter(before=before, **asked)
    found = await dependencies_of(request).store.read(
        list_deliveries(tenant_of(request), endpoint_id(request), shown, limit + 1)
    )
    page = [delivery_resource(each) for each in found[:limit]]
    return Response.json(WebhookDeliveryPage(page, limit, page[-1].id if len(found) > limit else None))


@get(DELIVERY, operation=operations.DELIVERY)
async def read_delivery(request: AnyRequest) -> Response:
    """Every attempt, the first first."""
    found, attempts = await dependencies_of(request).store.read(
        find_delivery(tenant_of(request), endpoint_id(request), delivery_id(request))
    )
    return Response.json(delivery_detail(found, attempts))


@post(DELIVERY + "/replay", operation=operations.REPLAY_ONE, status_code=200)
async def replay_delivery(request: AnyRequest) -> Response:
    """Under its id."""
    deps = dependencies_of(request)
    await deps.store.write(
        replay_one(tenant_of(request), endpoint_id(request), delivery_id(request), deps.clock())
    )
    return Response.json(ReplayResult(1), status=202)


@post(ONE + "/replay", operation=operations.REPLAY, status_code=200)
async def replay(request: AnyRequest) -> Response:
    """Some hundred a transaction, so that what comes in meanwhile need not wait for all."""
    deps, tenant, endpoint = dependencies_of(request), tenant_of(request), endpoint_id(request)
    again: ReplayRange | None = _again(await json_body(request, ReplayBody))
    replayed = 0
    while again is not None:
        count, again = await deps.store.write(replay_some(tenant, endpoint, again, deps.clock()))
        replayed += count
    return Response.json(ReplayResult(replayed), status=202)


def _again(asked: ReplayBody) -> ReplayRange:
    if asked.only not in ("all", "dead"):
        raise InvalidBody.of("only", "only must be all or dead")
    since_us = _instant("from", asked.from_)
    until_us = _instant("to", asked.to) if asked.to is not None else None
    if until_us is not None and until_us <= since_us:
        raise InvalidBody.of("from", "from must be earlier than to")
    return ReplayRange.of_window(since_us, until_us, (DEAD,) if asked.only == "dead" else STATES[1:])


def _instant(name: str, text: str) -> int:
    try:
        return instant_value(text)
    except ValueError as fault:
        raise InvalidBody.of(name, f"{name} {fault}") from fault


def _with_notice(tenant: str, endpoint: bytes, notice: EndpointNotice, now_us: int) -> StoreOperation[None]:
    yield from lock_deliveries(tenant)
    yield from need_endpoint(tenant, endpoint)
    yield from put_notice(tenant, endpoint, notice, now_us)


DELIVERY_HANDLERS: Final[tuple[HTTPRouteHandler, ...]] = (
    test,
    list_some,
    read_delivery,
    replay_delivery,
    replay,
)
