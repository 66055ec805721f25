"""Incoming webhook of Slack or of a compatible service: a `text` in Slack's mark-up.

docs.slack.dev, "Sending messages using incoming webhooks" and "Formatting message text": only &, < and > are
escaped, a link is `<url|words>`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from calltally.alerts.notify.notification import JSON_HEADERS, Notification, SinkRequest

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def build_request(notification: Notification, settings: Mapping[str, Any], now_us: int) -> SinkRequest:  # noqa: ARG001 (one signature for all kinds)
    """Return a request with one line and the link to the calls."""
    headline, url = notification.headline.translate(_ESCAPES), notification.calls_url.translate(_ESCAPES)
    text = f"{headline} <{url}|View calls>"
    return SinkRequest(settings["url"], JSON_HEADERS, msgspec.json.encode({"text": text}))
