"""Paths of webhook endpoints, and the ids in them."""

from typing import Final

from calltally.calls.errors import NotFound
from calltally.calls.identity import parse_uuid
from calltally.web.api.webhooks.schemas import PATH
from calltally.web.request.context import AnyRequest
from calltally.web.request.paths import segment_after

ONE: Final = PATH + "/{id:str}"
DELIVERY: Final = ONE + "/deliveries/{delivery:str}"
_MESSAGE: Final = "msg_"


def endpoint_id(request: AnyRequest) -> bytes:
    """Return the endpoint id of the path; empty if it is invalid."""
    return parse_uuid(segment_after(request, "webhook-endpoints")) or b""


def delivery_id(request: AnyRequest) -> bytes:
    """Return the delivery id of the path. Raises NotFound if it is invalid."""
    found = event_id(segment_after(request, "deliveries"))
    if not found:
        raise NotFound("no delivery has this id")
    return found


def event_id(text: str) -> bytes:
    """Parse an id `msg_…`; empty if it is invalid."""
    return (parse_uuid(text.removeprefix(_MESSAGE)) or b"") if text.startswith(_MESSAGE) else b""
