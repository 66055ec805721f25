"""Prometheus Alertmanager, API v2: labels identify an alert, so they stay the same until its end.

prometheus.io, "Alerts API": an alert that is not sent again ends by itself at `endsAt`. So firing alerts are
sent again well before (`RESEND_US`), which also restores them in an Alertmanager that lost them.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from calltally.alerts.notify.notification import JSON_HEADERS, Notification, SinkRequest
from calltally.calls.times import SECOND_US, utc_text

RESEND_US: Final = 300 * SECOND_US
_OPEN_FOR_US: Final = 3 * RESEND_US
_PATH: Final = "/api/v2/alerts"


def build_request(notification: Notification, settings: Mapping[str, Any], now_us: int) -> SinkRequest:
    """Return the request for one alert; the setting `url` is Alertmanager's own."""
    ends_at = notification.resolved_at if notification.is_resolved else utc_text(now_us + _OPEN_FOR_US)
    alert = {
        "labels": labels_of(notification),
        "annotations": {
            "summary": notification.message,
            "calls": notification.calls_url,
            "alert": notification.alert_url,
        },
        "startsAt": notification.since,
        "endsAt": ends_at,
    }
    if notification.calls_url.startswith("http"):
        alert["generatorURL"] = notification.calls_url
    headers = {**JSON_HEADERS, **_sign_in(settings)}
    return SinkRequest(settings["url"].rstrip("/") + _PATH, headers, msgspec.json.encode([alert]))


def labels_of(notification: Notification) -> dict[str, str]:
    """Return the labels that identify the alert; Alertmanager drops empty ones."""
    series = notification.facts.get("series") or ["", ""]
    labels = {
        "alertname": "Calltally" + "".join(part.capitalize() for part in _name(notification).split("_")),
        "tenant": notification.tenant,
        "kind": notification.kind,
        "dimension": series[0],
        "series": series[1],
        "route": notification.route,
        "provider": notification.provider,
        "direction": notification.facts.get("direction"),
        "severity": "info" if notification.what == "test" else "warning",
    }
    return {name: value for name, value in labels.items() if value}


def _name(notification: Notification) -> str:
    return (
        "test"
        if notification.what == "test"
        else str(notification.facts.get("metric") or notification.kind).replace("-", "_")
    )


def _sign_in(settings: Mapping[str, Any]) -> dict[str, str]:
    if token := settings.get("token"):
        return {"authorization": f"Bearer {token}"}
    if user := settings.get("username"):
        pair = f"{user}:{settings.get('password') or ''}"
        return {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    return {}
