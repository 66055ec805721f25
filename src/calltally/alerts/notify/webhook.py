"""Generic webhook, signed like deliveries; receivers recognise repeats by `webhook-id`."""

from collections.abc import Mapping
from typing import Any

import msgspec

from calltally.alerts.notify.notification import JSON_HEADERS, Notification, SinkRequest
from calltally.calls.times import SECOND_US
from calltally.net.standard_webhooks import signature_headers


def build_request(notification: Notification, settings: Mapping[str, Any], now_us: int) -> SinkRequest:
    """Return the request, signed with the sink's secret."""
    data = {**notification._asdict(), "facts": dict(notification.facts)}
    body = msgspec.json.encode(
        {"type": f"alert.{notification.what}", "timestamp": _stamp(notification), "data": data}
    )
    message_id = f"{notification.id}.{notification.what}.{_digits(notification)}"
    signed = signature_headers(message_id, now_us // SECOND_US, body, (settings["secret"],))
    return SinkRequest(settings["url"], {**JSON_HEADERS, **signed}, body)


def _stamp(notification: Notification) -> str:
    return notification.resolved_at or notification.opened_at


def _digits(notification: Notification) -> str:
    """Return digits that separate one opening or resolution of an alert from the next."""
    return "".join(character for character in _stamp(notification) if character.isdigit())
