"""PagerDuty Events API v2: trigger, acknowledge, resolve, with the alert's id as `dedup_key`.

developer.pagerduty.com, "Send an alert event": the summary has at most 1,024 characters.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from calltally.alerts.notify.notification import JSON_HEADERS, Notification, SinkRequest
from calltally.store.alerts.alerts import AlertState

EVENTS_URL: Final = "https://events.pagerduty.com/v2/enqueue"
_MOST_CHARS: Final = 1_024
_ACTIONS: Final = {
    AlertState.OPEN.value: "trigger",
    AlertState.ACKNOWLEDGED.value: "acknowledge",
    AlertState.RESOLVED.value: "resolve",
}


def build_request(notification: Notification, settings: Mapping[str, Any], now_us: int) -> SinkRequest:  # noqa: ARG001 (one signature for all kinds)
    """Return one event.

    A test is triggered, so that it is visible; its own key separates it from incidents.
    """
    action = "trigger" if notification.what == "test" else _ACTIONS[notification.state]
    event: dict[str, Any] = {
        "routing_key": settings["routing_key"],
        "event_action": action,
        "dedup_key": f"calltally-{notification.id}",
    }
    if action == "trigger":
        event |= {"payload": _payload(notification), "links": _links(notification), "client": "Calltally"}
    return SinkRequest(settings.get("url") or EVENTS_URL, JSON_HEADERS, msgspec.json.encode(event))


def _payload(notification: Notification) -> dict[str, Any]:
    return {
        "summary": notification.message[:_MOST_CHARS],
        "source": f"calltally/{notification.tenant}",
        "severity": "info" if notification.what == "test" else "error",
        "timestamp": notification.opened_at,
        "component": notification.route or notification.provider or notification.tenant,
        "group": notification.tenant,
        "class": notification.kind,
        "custom_details": dict(notification.facts),
    }


def _links(notification: Notification) -> list[dict[str, str]]:
    # Only absolute links work for an external reader.
    is_absolute = notification.calls_url.startswith("http")
    return [{"href": notification.calls_url, "text": "View calls"}] if is_absolute else []
