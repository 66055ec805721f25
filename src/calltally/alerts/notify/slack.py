"""An incoming webhook of Slack, or of whatever takes its shape: a `text` in Slack's own mark-up.

docs.slack.dev, "Sending messages using incoming webhooks" and "Formatting message text": only &, < and > are
escaped, a link is `<url|words>`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from calltally.alerts.notify.notification import JSON_HEADERS, Notification, SinkRequest

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def build_request(told: Notification, settings: Mapping[str, Any], now_us: int) -> SinkRequest:  # noqa: ARG001 (all shapes alike)
    """One line, and the link to its calls."""
    text = f"{told.headline.translate(_ESCAPES)} <{told.calls_url.translate(_ESCAPES)}|The calls>"
    return SinkRequest(settings["url"], JSON_HEADERS, msgspec.json.encode({"text": text}))
