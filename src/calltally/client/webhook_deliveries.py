"""Operations on the deliveries of a webhook endpoint."""

from collections.abc import AsyncGenerator
from typing import Final, Literal, TypedDict, Unpack

import msgspec

from calltally.calls.list_query import DEFAULT_LIMIT
from calltally.client.filters import Moment, query_params, time_text
from calltally.client.json_bodies import JSON_HEADERS, encode_json, given_fields
from calltally.client.literals import DeliveryState, EventType
from calltally.client.paging import PAGE_SIZE, item_path
from calltally.client.response_parsing import decode_record
from calltally.client.retries import send
from calltally.client.transport import Session
from calltally.client.webhook_endpoints import endpoint_path
from calltally.client.wire import Request


class DeliveryFilters(TypedDict, total=False):
    """Filters of deliveries. `from_` and `to` bound the time of the event."""

    state: DeliveryState | None
    event: EventType | None
    call_id: str | None
    from_: Moment | None
    to: Moment | None


class DeliveryTry(msgspec.Struct, frozen=True):
    """One attempt. `status` is None without a response; `answer` is the start of the response body."""

    attempt: int
    at: str
    seconds: float
    status: int | None = None
    reason: str | None = None
    answer: str = ""
    answer_encoding: str = "utf-8"
    next_attempt_at: str | None = None


class DeliveryRecord(msgspec.Struct, frozen=True):
    """Delivery of one event to one endpoint. `id` is the event's `webhook-id`.

    `reason` is the failure of the last attempt. Only a delivery that was read by itself has `tries`.
    """

    id: str
    endpoint_id: str
    event: str
    state: str
    attempts: int
    revision: int
    created_at: str
    updated_at: str
    call_id: str | None = None
    reason: str | None = None
    next_attempt_at: str | None = None
    tries: tuple[DeliveryTry, ...] = ()


class DeliveryPage(msgspec.Struct, frozen=True):
    """Page of deliveries, newest first. `next` is the `before` of the next page, None at the end."""

    data: tuple[DeliveryRecord, ...]
    limit: int
    next: str | None = None


class _ReplayResult(msgspec.Struct, frozen=True):
    """Number of replayed deliveries."""

    replayed: int


_DELIVERY_FILTERS: Final = frozenset(DeliveryFilters.__annotations__)
_delivery_decoder: Final = msgspec.json.Decoder(DeliveryRecord)
_page_decoder: Final = msgspec.json.Decoder(DeliveryPage)
_replay_decoder: Final = msgspec.json.Decoder(_ReplayResult)


async def test_webhook_endpoint(session: Session, endpoint_id: str) -> DeliveryRecord:
    """Send an endpoint a signed `voice.webhook.test` event, and return its delivery.

    It is not retried. `get_delivery` has the result. Raises NotFoundError, ClientError.
    """
    request = Request("POST", f"{endpoint_path(endpoint_id)}/test")
    return decode_record(await send(session, request), _delivery_decoder)


async def list_deliveries(
    session: Session,
    endpoint_id: str,
    *,
    limit: int = DEFAULT_LIMIT,
    before: str | None = None,
    **filters: Unpack[DeliveryFilters],
) -> DeliveryPage:
    """Return a page of the deliveries of an endpoint, newest first. Raises NotFoundError, ClientError."""
    pairs = [
        *query_params(filters, _DELIVERY_FILTERS),
        ("limit", str(limit)),
        *([("before", before)] if before else []),
    ]
    request = Request("GET", f"{endpoint_path(endpoint_id)}/deliveries", pairs)
    return decode_record(await send(session, request), _page_decoder)


async def iter_deliveries(
    session: Session, endpoint_id: str, *, page_size: int = PAGE_SIZE, **filters: Unpack[DeliveryFilters]
) -> AsyncGenerator[DeliveryRecord, None]:
    """Iterate over the deliveries of an endpoint, newest first. Raises NotFoundError, ClientError."""
    page = await list_deliveries(session, endpoint_id, limit=page_size, **filters)
    while True:
        for delivery in page.data:
            yield delivery
        if page.next is None:
            return
        page = await list_deliveries(session, endpoint_id, limit=page_size, before=page.next, **filters)


async def get_delivery(session: Session, endpoint_id: str, delivery_id: str) -> DeliveryRecord:
    """Return one delivery with all attempts. Raises NotFoundError, ClientError."""
    request = Request("GET", _delivery_path(endpoint_id, delivery_id))
    return decode_record(await send(session, request), _delivery_decoder)


async def replay_delivery(session: Session, endpoint_id: str, delivery_id: str) -> None:
    """Send one delivery again under the same id. It is not retried. Raises NotFoundError, ClientError."""
    await send(session, Request("POST", f"{_delivery_path(endpoint_id, delivery_id)}/replay"))


async def replay_deliveries(
    session: Session,
    endpoint_id: str,
    from_: Moment,
    to: Moment | None = None,
    *,
    only: Literal["all", "dead"] = "all",
) -> int:
    """Send the deliveries of a window again, or only the dead ones, and return their number.

    The request is not retried. Raises NotFoundError, BadRequestError and ClientError.
    """
    ends = {"from_": time_text("from_", from_), "to": None if to is None else time_text("to", to)}
    body = encode_json("the window", given_fields({**ends, "only": only}))
    request = Request("POST", f"{endpoint_path(endpoint_id)}/replay", (), JSON_HEADERS, body)
    return decode_record(await send(session, request), _replay_decoder).replayed


def _delivery_path(endpoint_id: str, delivery_id: str) -> str:
    deliveries = f"{endpoint_path(endpoint_id)}/deliveries"
    return item_path(deliveries, delivery_id, "delivery_id", "the id of a delivery")
