"""Stored content of an alert besides its columns: the finding with its evidence, and the message."""

from typing import Any, Final

import msgspec

from calltally.alerts.model.finding import AlertFinding
from calltally.alerts.model.series import Dimension
from calltally.calls.errors import DamagedStore
from calltally.calls.identity import call_uuid
from calltally.store.alerts.alerts import Alert, AlertState


class AlertContent(msgspec.Struct, frozen=True):
    """The newest finding of an alert, and its message."""

    message: str
    finding: AlertFinding


_decoder: Final = msgspec.json.Decoder(AlertContent)


def read_content(alert: Alert) -> AlertContent:
    """Return the content of an alert. Raises DamagedStore."""
    try:
        return _decoder.decode(alert.content)
    except msgspec.DecodeError as fault:
        message = "an alert's content is unreadable; restore it from a backup"
        raise DamagedStore(message) from fault


def new_alert(tenant: str, finding: AlertFinding, message: str, now_us: int) -> Alert:
    """Return a new alert for its first finding. Its id is a hash, so no random number is needed."""
    series = finding.series
    return Alert(
        alert=call_uuid(tenant, f"alert\0{finding.key}\0{finding.found_us}\0{now_us}"),
        cause=finding.key,
        kind=finding.kind.value,
        route=series.value if series.dimension is Dimension.ROUTE else None,
        provider=series.value if series.dimension is Dimension.PROVIDER else None,
        state=AlertState.OPEN,
        since_us=finding.since_us,
        opened_us=now_us,
        updated_us=now_us,
        resolved_us=None,
        muted_until_us=None,
        is_notified=0,
        changes=0,
        content=_encoded(message, finding),
    )


def renewed_alert(alert: Alert, finding: AlertFinding, message: str, now_us: int) -> Alert:
    """Return an alert with newer evidence. Its start may only become earlier."""
    since_us = min(alert.since_us, finding.since_us)
    return alert._replace(since_us=since_us, updated_us=now_us, content=_encoded(message, finding))


def finding_as_values(finding: AlertFinding) -> dict[str, Any]:
    """Return a finding as JSON values."""
    values: dict[str, Any] = msgspec.to_builtins(finding)
    return values


def _encoded(message: str, finding: AlertFinding) -> bytes:
    return msgspec.json.encode(AlertContent(message, finding))
