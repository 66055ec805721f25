"""A mail: the sentence as its subject, the evidence and the links in plain text."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from calltally.alerts.notify.notification import Notification
from calltally.calls.times import SECOND_US


def build_mail(told: Notification, settings: Mapping[str, Any], now_us: int) -> EmailMessage:
    """The mail. All mails of one alert are one thread."""
    mail = EmailMessage()
    mail["From"] = settings["from"]
    mail["To"] = ", ".join(settings["to"])
    # A route may be called anything: a line end would begin another header.
    mail["Subject"] = " ".join(f"[{told.tenant}] {told.headline}".split())
    mail["Date"] = format_datetime(datetime.fromtimestamp(now_us // SECOND_US, UTC))
    domain = settings["from"].rpartition("@")[2].strip("> ") or "calltally"
    mail["Message-ID"] = f"<{told.id}.{told.what}.{now_us}@{domain}>"
    mail["References"] = f"<{told.id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_text(told))
    return mail


def _text(told: Notification) -> str:
    lines = [
        told.headline,
        "",
        f"Since {told.since}, {told.state}.",
        f"The calls: {told.calls_url}",
        f"The alert: {told.alert_url}",
    ]
    return "\n".join(lines) + "\n"
