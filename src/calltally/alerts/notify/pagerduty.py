"""PagerDuty's Events API v2: trigger, acknowledge, resolve, by the alert's id as `dedup_key`.

developer.pagerduty.com, "Send an alert event": the summary has at most 1,024 characters.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from calltally.alerts.notify.notification import JSON_HEADERS, Notification, SinkRequest
from calltally.store.alerts.alerts import State

EVENTS_URL: Final = "https://events.pagerduty.com/v2/enqueue"
_MOST_CHARS: Final = 1_024
_ACTIONS: Final = {
    State.OPEN.value: "trigger",
    State.ACKNOWLEDGED.value: "acknowledge",
    State.RESOLVED.value: "resolve",
}


def build_request(told: Notification, settings: Mapping[str, Any], now_us: int) -> SinkRequest:  # noqa: ARG001 (all shapes alike)
    """One event. A test is triggered, so that it is seen; its own key keeps it from other incidents."""
    action = "trigger" if told.what == "test" else _ACTIONS[told.state]
    event: dict[str, Any] = {
        "routing_key": settings["routing_key"],
        "event_action": action,
        "dedup_key": f"calltally-{told.id}",
    }
    if action == "trigger":
        event |= {"payload": _payload(told), "links": _links(told), "client": "Calltally"}
    return SinkRequest(settings.get("url") or EVENTS_URL, JSON_HEADERS, msgspec.json.encode(event))


def _payload(told: Notification) -> dict[str, Any]:
    return {
        "summary": told.message[:_MOST_CHARS],
        "source": f"calltally/{told.tenant}",
        "severity": "info" if told.what == "test" else "error",
        "timestamp": told.opened_at,
        "component": told.route or told.provider or told.tenant,
        "group": told.tenant,
        "class": told.kind,
        "custom_details": dict(told.facts),
    }


def _links(told: Notification) -> list[dict[str, str]]:
    # Only absolute links are links to somebody else.
    is_absolute = told.calls_url.startswith("http")
    return [{"href": told.calls_url, "text": "The calls"}] if is_absolute else []
