"""Where an endpoint and its deliveries are, and what of it a path names."""

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
    """The endpoint that the path names; empty for what names none."""
    return parse_uuid(segment_after(request, "webhook-endpoints")) or b""


def delivery_id(request: AnyRequest) -> bytes:
    """The delivery that the path names; raises NotFound for what names none."""
    found = event_id(segment_after(request, "deliveries"))
    if not found:
        raise NotFound("there is no delivery of that id")
    return found


def event_id(text: str) -> bytes:
    """The id in a text `msg_…`; empty where there is none."""
    return (parse_uuid(text.removeprefix(_MESSAGE)) or b"") if text.startswith(_MESSAGE) else b""
