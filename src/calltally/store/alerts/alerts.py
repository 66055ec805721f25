"""Alerts as rows, with their changes and the notifications that these cause.

Every change of alerts locks the tenant's head first, as the ledger does: changes are numbered in sequence, so
sinks are notified in their order. `content` is JSON that only `calltally.alerts` reads; `alerts.erasure`
removes SIDs from it.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from calltally.calls.errors import Conflict, NotFound
from calltally.calls.list_query import DEFAULT_LIMIT
from calltally.store.db.operation import Row, Statement, StoreOperation
from calltally.store.snapshots.ledger_head import lock_head


class AlertState(StrEnum):
    """State of an alert. A resolved alert is reopened if its cause soon fires again."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class AlertEvent(StrEnum):
    """Event in the history of an alert."""

    OPENED = "opened"
    REOPENED = "reopened"
    WORSENED = "worsened"
    ACKNOWLEDGED = "acknowledged"
    MUTED = "muted"
    UNMUTED = "unmuted"
    GROUPED = "grouped"
    RESOLVED = "resolved"


# Events that sinks are notified of; of the end only if they were notified that the alert was firing.
_NOTIFIED_EVENTS: Final = frozenset(AlertEvent) - {AlertEvent.MUTED, AlertEvent.UNMUTED}
_END_EVENTS: Final = frozenset({AlertEvent.RESOLVED, AlertEvent.GROUPED})


class Alert(NamedTuple):
    """One alert. `cause` identifies it while unresolved; `is_notified`: its opening was notified."""

    alert: bytes
    cause: str
    kind: str
    route: str | None
    provider: str | None
    state: AlertState
    since_us: int
    opened_us: int
    updated_us: int
    resolved_us: int | None
    muted_until_us: int | None
    is_notified: int
    changes: int
    content: bytes


class StoredAlertChange(NamedTuple):
    """One change of an alert. `by_whom` is the key that requested it, None for an automatic change."""

    change: int
    at_us: int
    what: AlertEvent
    by_whom: str | None
    note: str | None


class AlertFilter(NamedTuple):
    """Filter of a list of alerts: time of opening, kind, route, provider, and state or `unresolved`."""

    lo_us: int
    hi_us: int
    kind: str | None = None
    route: str | None = None
    provider: str | None = None
    state: str | None = None
    limit: int = DEFAULT_LIMIT
    offset: int = 0


UNRESOLVED: Final = "unresolved"


def unresolved_alerts(tenant: str) -> StoreOperation[list[Alert]]:
    """Return all open or acknowledged alerts, oldest first."""
    return [_alert(row) for row in (yield Statement("unresolved_alerts", {"tenant": tenant}))]


def newest_alert_of_cause(tenant: str, cause: str) -> StoreOperation[Alert | None]:
    rows = yield Statement("last_alert_of_cause", {"tenant": tenant, "cause": cause})
    return _alert(rows[0]) if rows else None


def need_alert(tenant: str, alert: bytes) -> StoreOperation[Alert]:
    """Return the alert with that id. Raises NotFound."""
    rows = yield Statement("alert_of_id", {"tenant": tenant, "alert": alert})
    if not rows:
        raise NotFound("there is no alert with that id")
    return _alert(rows[0])


def list_alerts(tenant: str, criteria: AlertFilter) -> StoreOperation[tuple[list[Alert], int]]:
    """Return a page of alerts, newest first, and the total number."""
    params = {"tenant": tenant, "lo_us": criteria.lo_us, "hi_us": criteria.hi_us, **_facets(criteria)}
    rows = yield Statement("list_alerts", {**params, "most": criteria.limit, "skip": criteria.offset})
    [(total,)] = yield Statement("count_alerts", params)
    return [_alert(row) for row in rows], total


def _facets(criteria: AlertFilter) -> dict[str, object]:
    fields = {name: getattr(criteria, name) for name in ("kind", "route", "provider", "state")}
    values = {name: value or "" for name, value in fields.items()}
    wildcards = {f"any_{name}": value is None for name, value in fields.items()}
    return {**values, **wildcards, "unresolved": criteria.state == UNRESOLVED}


def alert_history(tenant: str, alert: bytes) -> StoreOperation[list[StoredAlertChange]]:
    rows = yield Statement("changes_of_alert", {"tenant": tenant, "alert": alert})
    return [StoredAlertChange(number, at_us, AlertEvent(what), *rest) for number, at_us, what, *rest in rows]


def open_alert(tenant: str, new: Alert) -> StoreOperation[Alert]:
    """Open an alert for a cause that has no unresolved one. The caller holds the tenant's head lock."""
    opened = new._replace(is_notified=int(not _is_muted(new, new.opened_us)), changes=1)
    yield Statement("put_alert", {"tenant": tenant, **_columns(opened)})
    yield from _record_change(
        tenant, opened, StoredAlertChange(1, new.opened_us, AlertEvent.OPENED, None, None)
    )
    return opened


def update_evidence(tenant: str, alert: Alert) -> StoreOperation[None]:
    """Update the evidence of an alert, without notification. The caller holds the tenant's head lock."""
    yield Statement("set_alert", {"tenant": tenant, **_columns(alert)})


def change_alert(tenant: str, alert: Alert, change: StoredAlertChange) -> StoreOperation[Alert]:
    """Store an alert with a change. The caller holds the lock of the tenant's head."""
    is_notified = alert.is_notified
    if change.what is AlertEvent.REOPENED:
        is_notified = int(not _is_muted(alert, change.at_us))
    changed = alert._replace(is_notified=is_notified, changes=alert.changes + 1, updated_us=change.at_us)
    yield Statement("set_alert", {"tenant": tenant, **_columns(changed)})
    yield from _record_change(tenant, changed, change._replace(change=changed.changes))
    return changed


def _columns(alert: Alert) -> dict[str, object]:
    return {**alert._asdict(), "state": alert.state.value}


def _record_change(tenant: str, alert: Alert, change: StoredAlertChange) -> StoreOperation[None]:
    noted = {**change._asdict(), "what": change.what.value}
    yield Statement("put_alert_change", {"tenant": tenant, "alert": alert.alert, **noted})
    if change.what not in _NOTIFIED_EVENTS or not alert.is_notified:
        return
    if _is_muted(alert, change.at_us) and change.what not in _END_EVENTS:
        return
    for sink, *_ in (yield Statement("sinks_of_tenant", {"tenant": tenant})):
        notification = {"sink": sink, "alert": alert.alert, "change": change.change, "now_us": change.at_us}
        yield Statement("put_notice", {"tenant": tenant, **notification})


def _is_muted(alert: Alert, now_us: int) -> bool:
    return alert.muted_until_us is not None and alert.muted_until_us > now_us


def acknowledge(tenant: str, alert_id: bytes, by: StoredAlertChange) -> StoreOperation[Alert]:
    """Acknowledge an alert; idempotent. Raises NotFound, and Conflict if it is resolved."""
    yield from lock_head(tenant)
    alert = yield from need_alert(tenant, alert_id)
    if alert.state is AlertState.ACKNOWLEDGED:
        return alert
    if alert.state is AlertState.RESOLVED:
        raise Conflict("the alert is resolved; there is nothing to acknowledge")
    return (yield from change_alert(tenant, alert._replace(state=AlertState.ACKNOWLEDGED), by))


def resolve(tenant: str, alert_id: bytes, by: StoredAlertChange) -> StoreOperation[Alert]:
    """Resolve an alert by request; idempotent. Raises NotFound."""
    yield from lock_head(tenant)
    alert = yield from need_alert(tenant, alert_id)
    if alert.state is AlertState.RESOLVED:
        return alert
    resolved = alert._replace(state=AlertState.RESOLVED, resolved_us=by.at_us)
    return (yield from change_alert(tenant, resolved, by))


def mute(tenant: str, alert_id: bytes, until_us: int | None, by: StoredAlertChange) -> StoreOperation[Alert]:
    """Mute an alert and its cause until then; None unmutes it. Raises NotFound."""
    yield from lock_head(tenant)
    alert = yield from need_alert(tenant, alert_id)
    return (yield from change_alert(tenant, alert._replace(muted_until_us=until_us), by))


def admin_count_unresolved() -> StoreOperation[dict[tuple[str, str, str], int]]:
    rows = yield Statement("admin_unresolved_by_tenant", {})
    return {(tenant, kind, state): count for tenant, kind, state, count in rows}


def _alert(row: Row) -> Alert:
    return Alert._make((*row[:5], AlertState(row[5]), *row[6:]))


class AlertAge(NamedTuple):
    """Definition of old alerts: resolved, unchanged since `before_us` and not muted at `now_us`.

    A mute applies to further alerts of the same cause, so a muted alert is kept.
    """

    before_us: int
    now_us: int


def has_old_alerts(tenant: str, old: AlertAge) -> StoreOperation[bool]:
    return bool((yield Statement("old_alerts", {"tenant": tenant, **old._asdict(), "most": 1})))


def prune_alerts(tenant: str, old: AlertAge, most: int) -> StoreOperation[int]:
    """Delete up to `most` old alerts. Returns their number, 0 when none is left.

    The lock of the tenant's head prevents that an alert is reopened while it is deleted.
    """
    yield from lock_head(tenant)
    params = {"tenant": tenant, **old._asdict(), "most": most}
    yield Statement("prune_alert_changes", params)
    return len((yield Statement("prune_alerts", params)))
