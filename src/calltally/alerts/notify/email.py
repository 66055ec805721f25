"""Mail about an alert: the message as its subject, the state and the links as plain text."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final

from calltally.alerts.notify.notification import Notification
from calltally.calls.times import SECOND_US
from calltally.store.alerts.alerts import AlertState

_STATE_NAMES: Final = {AlertState.OPEN.value: "firing"}


def build_mail(notification: Notification, settings: Mapping[str, Any], now_us: int) -> EmailMessage:
    """Return the mail. All mails of one alert form one thread."""
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
    mail.set_content(_text(notification))
    return mail


def _text(notification: Notification) -> str:
    lines = [
        notification.headline,
        "",
        f"State: {_STATE_NAMES.get(notification.state, notification.state)}",
        f"Started: {notification.since}",
        f"Calls: {notification.calls_url}",
        f"Alert: {notification.alert_url}",
    ]
    return "\n".join(lines) + "\n"
