"""A webhook of one's own, signed as deliveries are; receivers know repeats by `webhook-id`."""

from collections.abc import Mapping
from typing import Any

import msgspec

from calltally.alerts.notify.notification import JSON_HEADERS, Notification, SinkRequest
from calltally.calls.times import SECOND_US
from calltally.net.standard_webhooks import signature_headers


def build_request(told: Notification, settings: Mapping[str, Any], now_us: int) -> SinkRequest:
    """The request, signed with the sink's secret."""
    data = {**told._asdict(), "facts": dict(told.facts)}
    body = msgspec.json.encode({"type": f"alert.{told.what}", "timestamp": _stamp(told), "data": data})
    message_id = f"{told.id}.{told.what}.{_digits(told)}"
    signed = signature_headers(message_id, now_us // SECOND_US, body, (settings["secret"],))
    return SinkRequest(settings["url"], {**JSON_HEADERS, **signed}, body)


def _stamp(told: Notification) -> str:
    return told.resolved_at or told.opened_at


def _digits(told: Notification) -> str:
    """Tells one opening or ending of an alert from the next one."""
    return "".join(character for character in _stamp(told) if character.isdigit())
