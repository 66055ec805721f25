"""What is stored of an alert beside its columns: the finding with its evidence, and how it reads."""

from typing import Any, Final

import msgspec

from calltally.alerts.model.finding import AlertFinding
from calltally.alerts.model.series import Dimension
from calltally.calls.errors import DamagedStore
from calltally.calls.identity import call_uuid
from calltally.store.alerts.alerts import Alert, State


class AlertContent(msgspec.Struct, frozen=True):
    """The newest finding of an alert, and its sentence."""

    message: str
    finding: AlertFinding


_decoder: Final = msgspec.json.Decoder(AlertContent)


def read_content(alert: Alert) -> AlertContent:
    """What `new_alert` or `renewed` wrote. Raises DamagedStore."""
    try:
        return _decoder.decode(alert.content)
    except msgspec.DecodeError as fault:
        message = "an alert's content cannot be read; restore it from a backup"
        raise DamagedStore(message) from fault


def new_alert(tenant: str, finding: AlertFinding, message: str, now_us: int) -> Alert:
    """An alert as its first finding makes it. Its id is hashed: nothing has to be drawn."""
    series = finding.series
    return Alert(
        alert=call_uuid(tenant, f"alert\0{finding.key}\0{finding.found_us}\0{now_us}"),
        cause=finding.key,
        kind=finding.kind.value,
        route=series.value if series.dimension is Dimension.ROUTE else None,
        provider=series.value if series.dimension is Dimension.PROVIDER else None,
        state=State.OPEN,
        since_us=finding.since_us,
        opened_us=now_us,
        updated_us=now_us,
        resolved_us=None,
        muted_until_us=None,
        is_told=0,
        changes=0,
        content=_encoded(message, finding),
    )


def renewed_alert(alert: Alert, finding: AlertFinding, message: str, now_us: int) -> Alert:
    """The same alert with newer evidence. Since when it lasts stays what it was, unless it is earlier."""
    since_us = min(alert.since_us, finding.since_us)
    return alert._replace(since_us=since_us, updated_us=now_us, content=_encoded(message, finding))


def finding_as_values(finding: AlertFinding) -> dict[str, Any]:
    """A finding as JSON says it."""
    shown: dict[str, Any] = msgspec.to_builtins(finding)
    return shown


def _encoded(message: str, finding: AlertFinding) -> bytes:
    return msgspec.json.encode(AlertContent(message, finding))
