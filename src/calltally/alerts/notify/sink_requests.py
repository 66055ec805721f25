"""Requests and mails to each kind of sink. All builders of requests have one signature."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from typing import Any, Final

import msgspec

from calltally.alerts.notify.notification import STATE_NAMES, Notification, SinkRequest
from calltally.calls.event_types import alert_event
from calltally.calls.payload_formats import CONTENT_TYPES, STANDARD, body_in_form
from calltally.calls.times import SECOND_US, parse_instant, utc_text
from calltally.net.standard_webhooks import signature_headers
from calltally.store.alerts.alerts import AlertState
from calltally.store.ledger.outbox import CommitInstant, encode_envelope, event_time, message_id

# prometheus.io, "Alerts API": an alert that is not sent again ends by itself at `endsAt`. So firing alerts
# are sent again well before, which also restores them in an Alertmanager that lost them.
RESEND_US: Final = 300 * SECOND_US
_OPEN_FOR_US: Final = 3 * RESEND_US
_ALERTS_PATH: Final = "/api/v2/alerts"
PAGERDUTY_URL: Final = "https://events.pagerduty.com/v2/enqueue"
# developer.pagerduty.com, "Send an alert event": the most characters of a summary.
_MAX_SUMMARY_CHARS: Final = 1_024
_PAGERDUTY_ACTIONS: Final = {
    AlertState.OPEN.value: "trigger",
    AlertState.ACKNOWLEDGED.value: "acknowledge",
    AlertState.RESOLVED.value: "resolve",
}
# docs.slack.dev, "Section block": 3,000 characters after escapes, of which one can be five.
_MAX_SLACK_CHARS: Final = 500
# docs.slack.dev, "Formatting message text": only these are escaped; a link is `<url|words>`.
_SLACK_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# Fields of `data` of an alert's event, in their order.
ALERT_FIELDS: Final = (
    *("id", "what", "state", "kind", "cause", "message", "route", "provider", "since", "opened_at"),
    *("resolved_at", "calls_url", "alert_url", "facts"),
)
_ID_HASH_BYTES: Final = 10
_JSON_HEADERS: Final = {"content-type": "application/json", "user-agent": "Calltally"}


def _request(url: str, document: object, headers: Mapping[str, str] | None = None) -> SinkRequest:
    return SinkRequest(url, {**_JSON_HEADERS, **(headers or {})}, msgspec.json.encode(document))


def webhook_request(notification: Notification, settings: Mapping[str, Any], now_us: int) -> SinkRequest:
    """Return a request with the envelope and the signature of deliveries.

    Receivers recognise repeats by `webhook-id`, which is the id of the event: one for each change.
    """
    event, at_us = alert_event(notification.what), notification.at_us
    digest = sha256(f"{notification.tenant}\0{notification.id}\0{event}\0{at_us}".encode()).digest()
    event_id = event_time(at_us) + digest[:_ID_HASH_BYTES]
    data = {name: getattr(notification, name) for name in ALERT_FIELDS}
    envelope = encode_envelope(event, event_id, CommitInstant(notification.tenant, "", 0, at_us), data)
    form = settings.get("form", STANDARD)
    body = body_in_form(form, envelope, notification.base_url)
    headers = {**_JSON_HEADERS, "content-type": CONTENT_TYPES[form]}
    signed = signature_headers(message_id(event_id), now_us // SECOND_US, body, (settings["secret"],))
    return SinkRequest(settings["url"], {**headers, **signed}, body)


def slack_request(notification: Notification, settings: Mapping[str, Any], now_us: int) -> SinkRequest:  # noqa: ARG001 (one signature for all kinds)
    """Return a request with blocks, and with one line for notifications and for receivers without blocks."""
    line = headline = _escaped(" ".join(notification.headline.split())[:_MAX_SLACK_CHARS])
    links = _slack_links(notification)
    if links:
        line = f"{headline} {links[0]}"
    parts = [
        {"type": "section", "text": _mrkdwn(f"*{headline}*")},
        {"type": "context", "elements": [_mrkdwn(_slack_context(notification))]},
    ]
    if links:
        parts.append({"type": "section", "text": _mrkdwn(" · ".join(links))})
    return _request(settings["url"], {"text": line, "blocks": parts})


def _slack_links(notification: Notification) -> list[str]:
    if not notification.has_absolute_links:
        return []
    named = ((notification.calls_page, "View calls"), (notification.alert_page, "View alert"))
    return [f"<{_escaped(url)}|{words}>" for url, words in named]


def _slack_context(notification: Notification) -> str:
    """Return the state, the tenant, the series and the start, which Slack shows in the reader's time zone."""
    since_s = parse_instant(notification.since) // SECOND_US
    utc_minute = f"{notification.since[:16].replace('T', ' ')} UTC"
    parts = [STATE_NAMES[AlertState(notification.state)], notification.tenant]
    parts += [f"route {notification.route}"] if notification.route else []
    parts += [f"provider {notification.provider}"] if notification.provider else []
    since = f"since <!date^{since_s}^{{date_short_pretty}} {{time}}|{utc_minute}>"
    return " · ".join([*map(_escaped, parts), since])


def _mrkdwn(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


def _escaped(text: str) -> str:
    return text.translate(_SLACK_ESCAPES)


def pagerduty_request(notification: Notification, settings: Mapping[str, Any], now_us: int) -> SinkRequest:  # noqa: ARG001 (one signature for all kinds)
    """Return one event of the Events API v2, with the alert's id as `dedup_key`.

    A test is triggered, so that it is visible; its own key separates it from incidents.
    """
    is_test = notification.what == "test"
    action = "trigger" if is_test else _PAGERDUTY_ACTIONS[notification.state]
    event: dict[str, Any] = {
        "routing_key": settings["routing_key"],
        "event_action": action,
        "dedup_key": f"calltally-{notification.id}",
    }
    if action == "trigger":
        event["payload"] = {
            "summary": notification.message[:_MAX_SUMMARY_CHARS],
            "source": f"calltally/{notification.tenant}",
            "severity": "info" if is_test else "error",
            "timestamp": notification.opened_at,
            "component": notification.route or notification.provider or notification.tenant,
            "group": notification.tenant,
            "class": notification.kind,
            "custom_details": dict(notification.facts),
        }
        link = {"href": notification.calls_page, "text": "View calls"}
        event["links"] = [link] if notification.has_absolute_links else []
        event["client"] = "Calltally"
    return _request(settings.get("url") or PAGERDUTY_URL, event)


def alertmanager_request(notification: Notification, settings: Mapping[str, Any], now_us: int) -> SinkRequest:
    """Return the request to Alertmanager's API v2 for one alert; the setting `url` is Alertmanager's own."""
    ends_at = notification.resolved_at if notification.is_resolved else utc_text(now_us + _OPEN_FOR_US)
    alert = {
        "labels": labels_of(notification),
        "annotations": {
            "summary": notification.message,
            "calls": notification.calls_page,
            "alert": notification.alert_page,
        },
        "startsAt": notification.since,
        "endsAt": ends_at,
    }
    if notification.has_absolute_links:
        alert["generatorURL"] = notification.calls_page
    headers = {}
    if token := settings.get("token"):
        headers["authorization"] = f"Bearer {token}"
    elif user := settings.get("username"):
        pair = f"{user}:{settings.get('password') or ''}"
        headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    return _request(settings["url"].rstrip("/") + _ALERTS_PATH, [alert], headers)


def labels_of(notification: Notification) -> dict[str, str]:
    """Return the labels that identify the alert until its end; Alertmanager drops empty ones."""
    facts, is_test = notification.facts, notification.what == "test"
    name = "test" if is_test else str(facts.get("metric") or notification.kind).replace("-", "_")
    dimension, series = facts.get("series") or ("", "")
    labels = {
        "alertname": "Calltally" + "".join(part.capitalize() for part in name.split("_")),
        "tenant": notification.tenant,
        "kind": notification.kind,
        "dimension": dimension,
        "series": series,
        "route": notification.route,
        "provider": notification.provider,
        "direction": facts.get("direction"),
        "severity": "info" if is_test else "warning",
    }
    return {label: value for label, value in labels.items() if value}


def build_mail(notification: Notification, settings: Mapping[str, Any], now_us: int) -> EmailMessage:
    """Return the mail: the message as its subject, the state and links. One alert's mails are a thread."""
    mail = EmailMessage()
    mail["From"] = settings["from"]
    mail["To"] = ", ".join(settings["to"])
    # A route may have any name: a line break would start another header.
    mail["Subject"] = " ".join(f"[{notification.tenant}] {notification.headline}".split())
    mail["Date"] = format_datetime(datetime.fromtimestamp(now_us // SECOND_US, UTC))
    domain = settings["from"].rpartition("@")[2].strip("> ") or "calltally"
    mail["Message-ID"] = f"<{notification.id}.{notification.what}.{now_us}@{domain}>"
    mail["References"] = f"<{notification.id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    state = STATE_NAMES[AlertState(notification.state)]
    mail.set_content(
        f"{notification.headline}\n\nState: {state}\nStarted: {notification.since}\n"
        f"Calls: {notification.calls_page}\nAlert: {notification.alert_page}\n"
    )
    return mail
