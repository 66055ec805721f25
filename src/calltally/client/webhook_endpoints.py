"""Operations on webhook endpoints. `calltally.client.webhooks` verifies what they receive."""

from collections.abc import Sequence
from typing import Final, TypedDict, Unpack

import msgspec

from calltally.client.filters import check_known
from calltally.client.json_bodies import creating_request, given_fields, json_request
from calltally.client.literals import CallDirection, EventForm, EventType
from calltally.client.paging import item_path
from calltally.client.response_parsing import decode_record
from calltally.client.retries import send
from calltally.client.transport import Session
from calltally.client.wire import Request

ENDPOINTS_PATH: Final = "/api/v1/webhook-endpoints"
_GRACE_HOURS: Final = 24


class EndpointFields(TypedDict, total=False):
    """Settings of an endpoint except its URL. An absent filter, or no `events`, matches everything."""

    events: Sequence[EventType] | None
    description: str | None
    form: EventForm | None
    direction: CallDirection | None
    route: str | None
    agent: str | None


class EndpointRecord(msgspec.Struct, frozen=True):
    """One endpoint. A paused one has a `reason`; `failing_since` is the first failure since a success."""

    id: str
    url: str
    state: str
    created_at: str
    updated_at: str
    events: tuple[str, ...] = ()
    description: str | None = None
    form: str | None = None
    direction: CallDirection | None = None
    route: str | None = None
    agent: str | None = None
    masks_numbers: bool = False
    reason: str | None = None
    failing_since: str | None = None
    previous_secret_until: str | None = None


class EndpointSecret(EndpointRecord, frozen=True, kw_only=True):
    """Endpoint with a new `secret`, which the server shows only once. Its representation hides it."""

    secret: str

    def __repr__(self) -> str:
        return f"EndpointSecret(id={self.id!r}, url={self.url!r}, secret=…)"


class _EndpointList(msgspec.Struct, frozen=True):
    """All endpoints of a tenant."""

    data: list[EndpointRecord]


_ENDPOINT_FIELDS: Final = frozenset(EndpointFields.__annotations__)
_endpoint_decoder: Final = msgspec.json.Decoder(EndpointRecord)
_secret_decoder: Final = msgspec.json.Decoder(EndpointSecret)
_list_decoder: Final = msgspec.json.Decoder(_EndpointList)


async def list_webhook_endpoints(session: Session) -> list[EndpointRecord]:
    """Return all webhook endpoints. Raises ClientError."""
    return decode_record(await send(session, Request("GET", ENDPOINTS_PATH)), _list_decoder).data


async def add_webhook_endpoint(
    session: Session, url: str, *, idempotency_key: str | None = None, **fields: Unpack[EndpointFields]
) -> EndpointSecret:
    """Create an endpoint. Delivery starts with new events; store the `secret`, it is shown only once.

    Raises BadRequestError, ForbiddenError and ClientError.
    """
    request = creating_request(ENDPOINTS_PATH, _body(url, fields), idempotency_key)
    return decode_record(await send(session, request), _secret_decoder)


async def get_webhook_endpoint(session: Session, endpoint_id: str) -> EndpointRecord:
    """Return one endpoint. Raises NotFoundError, ClientError."""
    return decode_record(await send(session, Request("GET", endpoint_path(endpoint_id))), _endpoint_decoder)


async def set_webhook_endpoint(
    session: Session, endpoint_id: str, url: str, **fields: Unpack[EndpointFields]
) -> EndpointRecord:
    """Replace all settings of an endpoint: absent ones get their defaults.

    Raises BadRequestError, NotFoundError and ClientError.
    """
    request = json_request("PUT", endpoint_path(endpoint_id), _body(url, fields))
    return decode_record(await send(session, request), _endpoint_decoder)


async def delete_webhook_endpoint(session: Session, endpoint_id: str) -> None:
    """Delete an endpoint and its waiting events. Raises NotFoundError, ClientError."""
    await send(session, Request("DELETE", endpoint_path(endpoint_id), is_idempotent=True))


async def rotate_webhook_secret(
    session: Session,
    endpoint_id: str,
    *,
    grace_hours: int = _GRACE_HOURS,
    idempotency_key: str | None = None,
) -> EndpointSecret:
    """Give an endpoint a new secret. For `grace_hours`, deliveries are signed with both.

    Raises NotFoundError, BadRequestError and ClientError.
    """
    path = f"{endpoint_path(endpoint_id)}/rotate"
    request = creating_request(path, {"grace_hours": grace_hours}, idempotency_key)
    return decode_record(await send(session, request), _secret_decoder)


async def pause_webhook_endpoint(session: Session, endpoint_id: str) -> EndpointRecord:
    """Pause an endpoint; its events wait. Raises NotFoundError, ClientError."""
    return await _act(session, endpoint_id, "pause")


async def resume_webhook_endpoint(session: Session, endpoint_id: str) -> EndpointRecord:
    """Resume an endpoint; waiting events are sent at once. Raises NotFoundError, ClientError."""
    return await _act(session, endpoint_id, "resume")


async def _act(session: Session, endpoint_id: str, action: str) -> EndpointRecord:
    request = json_request("POST", f"{endpoint_path(endpoint_id)}/{action}")
    return decode_record(await send(session, request), _endpoint_decoder)


def _body(url: str, fields: EndpointFields) -> dict[str, object]:
    check_known(fields, _ENDPOINT_FIELDS)
    return {"url": url, **given_fields(fields)}


def endpoint_path(endpoint_id: str) -> str:
    return item_path(ENDPOINTS_PATH, endpoint_id, "endpoint_id", "the id of an endpoint")
