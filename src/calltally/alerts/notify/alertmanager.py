"""Prometheus' Alertmanager, API v2: an alert is its labels, so those stay the same from its begin to its end.

prometheus.io, "Alerts API": an alert that is not sent again ends by itself at `endsAt`. So what is open is
sent again well before (`RESEND_US`), and an Alertmanager that lost it has it again.
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


def build_request(told: Notification, settings: Mapping[str, Any], now_us: int) -> SinkRequest:
    """One alert, by the URL of Alertmanager itself."""
    ends_at = told.resolved_at if told.is_over else utc_text(now_us + _OPEN_FOR_US)
    alert = {
        "labels": labels_of(told),
        "annotations": {"summary": told.message, "calls": told.calls_url, "alert": told.alert_url},
        "startsAt": told.since,
        "endsAt": ends_at,
    }
    if told.calls_url.startswith("http"):
        alert["generatorURL"] = told.calls_url
    headers = {**JSON_HEADERS, **_sign_in(settings)}
    return SinkRequest(settings["url"].rstrip("/") + _PATH, headers, msgspec.json.encode([alert]))


def labels_of(told: Notification) -> dict[str, str]:
    """What tells it from all others; without empty ones, which Alertmanager drops."""
    series = told.facts.get("series") or ["", ""]
    labels = {
        "alertname": "Calltally" + "".join(part.capitalize() for part in _name(told).split("_")),
        "tenant": told.tenant,
        "kind": told.kind,
        "dimension": series[0],
        "series": series[1],
        "route": told.route,
        "provider": told.provider,
        "direction": told.facts.get("direction"),
        "severity": "info" if told.what == "test" else "warning",
    }
    return {name: value for name, value in labels.items() if value}


def _name(told: Notification) -> str:
    return "test" if told.what == "test" else str(told.facts.get("metric") or told.kind).replace("-", "_")


def _sign_in(settings: Mapping[str, Any]) -> dict[str, str]:
    if token := settings.get("token"):
        return {"authorization": f"Bearer {token}"}
    if user := settings.get("username"):
        pair = f"{user}:{settings.get('password') or ''}"
        return {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    return {}
