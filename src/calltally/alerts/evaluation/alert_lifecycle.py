"""Lifecycle of alerts: findings open, renew, group and resolve them.

Each cause has one alert at a time. An alert that resolved by itself and soon begins again is reopened. One
that a person resolved stays resolved until it has recovered and started again, or has become far worse. An
acknowledged alert that gets worse fires again: the acknowledgement was for a smaller change.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from calltally.alerts.evaluation.rate_messages import alert_message
from calltally.alerts.model.finding import AlertFinding, AlertKind, FindingChange
from calltally.alerts.model.series import Dimension
from calltally.calls.errors import DamagedStore
from calltally.calls.identity import call_uuid, uuid_text
from calltally.calls.times import SECOND_US
from calltally.store.alerts.alerts import (
    Alert,
    AlertEvent,
    AlertState,
    StoredAlertChange,
    change_alert,
    newest_alert_of_cause,
    open_alert,
    unresolved_alerts,
    update_evidence,
)
from calltally.store.db.operation import StoreOperation
from calltally.store.snapshots.ledger_head import lock_head

# An alert that begins again within this time is reopened.
FLAPPING_US: Final = 1800 * SECOND_US


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
        message = "an alert's content cannot be read; restore it from a backup"
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
        content=msgspec.json.encode(AlertContent(message, finding)),
    )


def renewed_alert(alert: Alert, finding: AlertFinding, message: str, now_us: int) -> Alert:
    """Return an alert with newer evidence. Its start may only become earlier."""
    since_us = min(alert.since_us, finding.since_us)
    return alert._replace(
        since_us=since_us, updated_us=now_us, content=msgspec.json.encode(AlertContent(message, finding))
    )


class AlertLifecycle:
    """Applies findings to a tenant's alerts, within one transaction."""

    def __init__(self, tenant: str, now_us: int, tz: str) -> None:
        self._tenant = tenant
        self._now_us = now_us
        self._tz = tz
        self._unresolved: dict[str, Alert] = {}

    def lock(self) -> StoreOperation[None]:
        """Lock the tenant's alerts until the end of the transaction. Must run first."""
        yield from lock_head(self._tenant)
        self._unresolved = {alert.cause: alert for alert in (yield from unresolved_alerts(self._tenant))}

    def apply(self, findings: Iterable[AlertFinding]) -> StoreOperation[None]:
        for finding in findings:
            alert = self._unresolved.get(finding.key)
            if finding.change is FindingChange.RECOVERED:
                if alert is not None:
                    yield from self._end(self._renewed(alert, finding), AlertEvent.RESOLVED)
            elif alert is None:
                if finding.change in {FindingChange.BEGAN, FindingChange.WORSENED}:
                    yield from self._begin(finding)
            else:
                self._unresolved[finding.key] = yield from self._renew(alert, finding)

    def apply_conditions(
        self, kinds: Sequence[AlertKind], findings: Sequence[AlertFinding]
    ) -> StoreOperation[None]:
        """Apply the current conditions of some kinds, and resolve alerts of those kinds without one."""
        yield from self.apply(findings)
        firing = {finding.key for finding in findings}
        ended = [a for a in self._unresolved.values() if a.kind in kinds and a.cause not in firing]
        for alert in ended:
            yield from self._end(alert, AlertEvent.RESOLVED)

    def _begin(self, finding: AlertFinding) -> StoreOperation[None]:
        last = yield from newest_alert_of_cause(self._tenant, finding.key)
        alert = new_alert(self._tenant, finding, alert_message(finding, self._tz), self._now_us)
        ended_us = None if last is None else last.resolved_us
        if last is not None and ended_us is not None and self._now_us - ended_us < FLAPPING_US:
            again = self._renewed(last, finding)._replace(state=AlertState.OPEN, resolved_us=None)
            alert = yield from change_alert(self._tenant, again, self._automatic(AlertEvent.REOPENED))
        else:
            # A mute holds for all later alerts of the same cause.
            muted_us = last.muted_until_us if last is not None else None
            alert = yield from open_alert(self._tenant, alert._replace(muted_until_us=muted_us))
        self._unresolved[finding.key] = alert
        yield from self._group(alert, finding)

    def _renew(self, alert: Alert, finding: AlertFinding) -> StoreOperation[Alert]:
        again = self._renewed(alert, finding)
        if finding.change is FindingChange.WORSENED:
            opened = again._replace(state=AlertState.OPEN)
            return (yield from change_alert(self._tenant, opened, self._automatic(AlertEvent.WORSENED)))
        yield from update_evidence(self._tenant, again)
        return again

    def _group(self, cause: Alert, finding: AlertFinding) -> StoreOperation[None]:
        """Resolve the open alerts on narrower series that `cause` explains."""
        for child in finding.children:
            key = f"{finding.kind}/{child.series.dimension}/{child.series.value or '-'}"
            existing = self._unresolved.get(f"{key}/{child.metric or '-'}/{finding.direction}")
            if existing is not None and existing.alert != cause.alert:
                yield from self._end(existing, AlertEvent.GROUPED, uuid_text(cause.alert))

    def _end(self, alert: Alert, what: AlertEvent, note: str | None = None) -> StoreOperation[None]:
        ended = alert._replace(state=AlertState.RESOLVED, resolved_us=self._now_us)
        yield from change_alert(self._tenant, ended, self._automatic(what, note))
        self._unresolved.pop(alert.cause, None)

    def _renewed(self, alert: Alert, finding: AlertFinding) -> Alert:
        return renewed_alert(alert, finding, alert_message(finding, self._tz), self._now_us)

    def _automatic(self, what: AlertEvent, note: str | None = None) -> StoredAlertChange:
        return StoredAlertChange(0, self._now_us, what, None, note)
