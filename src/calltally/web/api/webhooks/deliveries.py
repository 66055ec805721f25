"""`/api/v1/webhook-endpoints/{id}/deliveries`: deliveries, test events and replays."""

import secrets
from typing import Final

from litestar import get, post

from calltally.calls.errors import InvalidBody, InvalidInput, NotFound
from calltally.calls.event_types import TEST
from calltally.calls.identity import parse_uuid, uuid_text
from calltally.calls.list_query import DEFAULT_LIMIT
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
from calltally.web.api.webhooks.handlers import ONE, endpoint_id
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
from calltally.web.request.paths import segment_after
from calltally.web.response.response import Response

DELIVERY: Final = ONE + "/deliveries/{delivery:str}"
_MESSAGE: Final = "msg_"
_RANDOM_ID_BYTES: Final = 10
_PARAMETERS_BY_NAME: Final = {each.name: each for each in operations.FILTERS}


@post(ONE + "/test", operation=operations.TEST, status_code=200)
async def test(request: AnyRequest) -> Response:
    deps, tenant, endpoint = dependencies_of(request), tenant_of(request), endpoint_id(request)
    now_us = deps.clock()
    event = event_time(now_us) + secrets.token_bytes(_RANDOM_ID_BYTES)
    data = {"endpoint_id": uuid_text(endpoint), "sent_at": utc_text(now_us)}
    notice = EndpointNotice(
        TEST, event, encode_envelope(TEST, event, CommitInstant(tenant, "", 0, now_us), data)
    )
    await deps.store.write(_with_notice(tenant, endpoint, notice, now_us))
    found, attempts = await deps.store.read(find_delivery(tenant, endpoint, event))
    return Response.json(delivery_detail(found, attempts), status=202)


@get(ONE + "/deliveries", operation=operations.DELIVERIES)
async def list_some(request: AnyRequest) -> Response:
    values = read_values(pairs_without_tenant(request), _PARAMETERS_BY_NAME)
    limit: int = values.pop("limit", DEFAULT_LIMIT)
    before = _event_id(values.pop("before")) if "before" in values else LAST_ID
    if not before:
        raise InvalidInput.of("before", "before must be the `next` value of the previous page")
    delivery_filter = DeliveryFilter(before=before, **values)
    found = await dependencies_of(request).store.read(
        list_deliveries(tenant_of(request), endpoint_id(request), delivery_filter, limit + 1)
    )
    page = [delivery_resource(each) for each in found[:limit]]
    return Response.json(WebhookDeliveryPage(page, limit, page[-1].id if len(found) > limit else None))


@get(DELIVERY, operation=operations.DELIVERY)
async def read_delivery(request: AnyRequest) -> Response:
    found, attempts = await dependencies_of(request).store.read(
        find_delivery(tenant_of(request), endpoint_id(request), _delivery_id(request))
    )
    return Response.json(delivery_detail(found, attempts))


@post(DELIVERY + "/replay", operation=operations.REPLAY_ONE, status_code=200)
async def replay_delivery(request: AnyRequest) -> Response:
    deps = dependencies_of(request)
    await deps.store.write(
        replay_one(tenant_of(request), endpoint_id(request), _delivery_id(request), deps.clock())
    )
    return Response.json(ReplayResult(1), status=202)


@post(ONE + "/replay", operation=operations.REPLAY, status_code=200)
async def replay(request: AnyRequest) -> Response:
    """Replay some hundred deliveries per transaction, so that other writes do not wait for all."""
    deps, tenant, endpoint = dependencies_of(request), tenant_of(request), endpoint_id(request)
    window: ReplayRange | None = _window_to_replay(await json_body(request, ReplayBody))
    replayed = 0
    while window is not None:
        count, window = await deps.store.write(replay_some(tenant, endpoint, window, deps.clock()))
        replayed += count
    return Response.json(ReplayResult(replayed), status=202)


def _window_to_replay(body: ReplayBody) -> ReplayRange:
    if body.only not in ("all", "dead"):
        raise InvalidBody.of("only", "only must be all or dead")
    since_us = _instant("from", body.from_)
    until_us = _instant("to", body.to) if body.to is not None else None
    if until_us is not None and until_us <= since_us:
        raise InvalidBody.of("from", "from must be earlier than to")
    return ReplayRange.of_window(since_us, until_us, (DEAD,) if body.only == "dead" else STATES[1:])


def _instant(name: str, text: str) -> int:
    try:
        return instant_value(text)
    except ValueError as fault:
        raise InvalidBody.of(name, f"{name} {fault}") from fault


def _with_notice(tenant: str, endpoint: bytes, notice: EndpointNotice, now_us: int) -> StoreOperation[None]:
    yield from lock_deliveries(tenant)
    yield from need_endpoint(tenant, endpoint)
    yield from put_notice(tenant, endpoint, notice, now_us)


def _delivery_id(request: AnyRequest) -> bytes:
    found = _event_id(segment_after(request, "deliveries"))
    if not found:
        raise NotFound("no delivery has this id")
    return found


def _event_id(text: str) -> bytes:
    """Parse an id `msg_…`; empty if it is invalid."""
    return (parse_uuid(text.removeprefix(_MESSAGE)) or b"") if text.startswith(_MESSAGE) else b""
