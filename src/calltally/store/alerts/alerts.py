"""Alerts as rows: what they are, what became of them, and what is still to be told of them.

Who changes alerts locks the tenant's head first, as the ledger does: a change is numbered from the last one,
and is so told to sinks in its order. `content` is JSON that only `calltally.alerts` reads; `alert_erasure`
takes SIDs out of it.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from calltally.calls.errors import Conflict, NotFound
from calltally.store.db.operation import Row, Statement, StoreOperation
from calltally.store.snapshots.ledger_head import lock_head


class State(StrEnum):
    """Where an alert stands. From resolved it leads back to open where the same begins again soon."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class What(StrEnum):
    """What became of an alert."""

    OPENED = "opened"
    REOPENED = "reopened"
    WORSENED = "worsened"
    ACKNOWLEDGED = "acknowledged"
    MUTED = "muted"
    UNMUTED = "unmuted"
    GROUPED = "grouped"
    RESOLVED = "resolved"


# What sinks are told of; how an alert ended only where they know that it was open.
_TOLD: Final = frozenset(
    {What.OPENED, What.REOPENED, What.WORSENED, What.ACKNOWLEDGED, What.RESOLVED, What.GROUPED}
)
_ENDS: Final = frozenset({What.RESOLVED, What.GROUPED})


class Alert(NamedTuple):
    """One alert. `cause` is what it is known by while it lasts; `changes` is how often it changed."""

    alert: bytes
    cause: str
    kind: str
    route: str | None
    provider: str | None
    state: State
    since_us: int
    opened_us: int
    updated_us: int
    resolved_us: int | None
    muted_until_us: int | None
    is_told: int
    changes: int
    content: bytes


class Change(NamedTuple):
    """One thing that became of an alert; `by_whom` is the key that asked for it, None for by itself."""

    change: int
    at_us: int
    what: What
    by_whom: str | None
    note: str | None


class AlertFilter(NamedTuple):
    """Which alerts are listed: opened in a window, of a kind, route, provider, in a state or unresolved."""

    lo_us: int
    hi_us: int
    kind: str | None = None
    route: str | None = None
    provider: str | None = None
    state: str | None = None
    limit: int = 25
    offset: int = 0


UNRESOLVED: Final = "unresolved"


def unresolved_alerts(tenant: str) -> StoreOperation[list[Alert]]:
    """All that are open or acknowledged, the oldest first."""
    return [_alert(row) for row in (yield Statement("unresolved_alerts", {"tenant": tenant}))]


def last_of_cause(tenant: str, cause: str) -> StoreOperation[Alert | None]:
    """The newest alert of a cause."""
    rows = yield Statement("last_alert_of_cause", {"tenant": tenant, "cause": cause})
    return _alert(rows[0]) if rows else None


def need_alert(tenant: str, alert: bytes) -> StoreOperation[Alert]:
    """The alert of that id; raises NotFound."""
    rows = yield Statement("alert_of_id", {"tenant": tenant, "alert": alert})
    if not rows:
        raise NotFound("there is no alert of that id")
    return _alert(rows[0])


def list_alerts(tenant: str, wanted: AlertFilter) -> StoreOperation[tuple[list[Alert], int]]:
    """A page of alerts, the newest first, and how many there are in all."""
    asked = {"tenant": tenant, "lo_us": wanted.lo_us, "hi_us": wanted.hi_us, **_facets(wanted)}
    rows = yield Statement("list_alerts", {**asked, "most": wanted.limit, "skip": wanted.offset})
    [(total,)] = yield Statement("count_alerts", asked)
    return [_alert(row) for row in rows], total


def _facets(wanted: AlertFilter) -> dict[str, object]:
    named = {"kind": wanted.kind, "route": wanted.route, "provider": wanted.provider, "state": wanted.state}
    given = {name: value or "" for name, value in named.items()}
    anything = {f"any_{name}": value is None for name, value in named.items()}
    return {**given, **anything, "unresolved": wanted.state == UNRESOLVED}


def history_of(tenant: str, alert: bytes) -> StoreOperation[list[Change]]:
    """Everything that became of an alert, in its order."""
    rows = yield Statement("changes_of_alert", {"tenant": tenant, "alert": alert})
    return [Change(number, at_us, What(what), *rest) for number, at_us, what, *rest in rows]


def open_alert(tenant: str, new: Alert) -> StoreOperation[Alert]:
    """A new alert, of a cause that has no unresolved one. The tenant's head is locked."""
    opened = new._replace(is_told=int(not _is_muted(new, new.opened_us)), changes=1)
    yield Statement("put_alert", {"tenant": tenant, **opened._asdict(), "state": opened.state.value})
    yield from _note(tenant, opened, Change(1, new.opened_us, What.OPENED, None, None))
    return opened


def renew_alert(tenant: str, alert: Alert) -> StoreOperation[None]:
    """Only its evidence is new: nobody is told. The tenant's head is locked."""
    yield Statement("set_alert", {"tenant": tenant, **_columns(alert)})


def change_alert(tenant: str, alert: Alert, change: Change) -> StoreOperation[Alert]:
    """Something became of an alert, which now is as given. The tenant's head is locked."""
    is_told = alert.is_told
    if change.what is What.REOPENED:
        is_told = int(not _is_muted(alert, change.at_us))
    changed = alert._replace(is_told=is_told, changes=alert.changes + 1, updated_us=change.at_us)
    yield Statement("set_alert", {"tenant": tenant, **_columns(changed)})
    yield from _note(tenant, changed, change._replace(change=changed.changes))
    return changed


def _columns(alert: Alert) -> dict[str, object]:
    return {**alert._asdict(), "state": alert.state.value}


def _note(tenant: str, alert: Alert, change: Change) -> StoreOperation[None]:
    noted = {**change._asdict(), "what": change.what.value}
    yield Statement("put_alert_change", {"tenant": tenant, "alert": alert.alert, **noted})
    if change.what not in _TOLD or not alert.is_told:
        return
    if _is_muted(alert, change.at_us) and change.what not in _ENDS:
        return
    for sink, *_ in (yield Statement("sinks_of_tenant", {"tenant": tenant})):
        named = {"sink": sink, "alert": alert.alert, "change": change.change, "now_us": change.at_us}
        yield Statement("put_notice", {"tenant": tenant, **named})


def _is_muted(alert: Alert, now_us: int) -> bool:
    return alert.muted_until_us is not None and alert.muted_until_us > now_us


def acknowledge(tenant: str, alert_id: bytes, by: Change) -> StoreOperation[Alert]:
    """Somebody looks after it; nothing where somebody does already. Raises NotFound, Conflict if resolved."""
    yield from lock_head(tenant)
    alert = yield from need_alert(tenant, alert_id)
    if alert.state is State.ACKNOWLEDGED:
        return alert
    if alert.state is State.RESOLVED:
        raise Conflict("the alert is resolved; there is nothing to acknowledge")
    return (yield from change_alert(tenant, alert._replace(state=State.ACKNOWLEDGED), by))


def resolve(tenant: str, alert_id: bytes, by: Change) -> StoreOperation[Alert]:
    """It is over, says somebody. Nothing where it is already. Raises NotFound."""
    yield from lock_head(tenant)
    alert = yield from need_alert(tenant, alert_id)
    if alert.state is State.RESOLVED:
        return alert
    resolved = alert._replace(state=State.RESOLVED, resolved_us=by.at_us)
    return (yield from change_alert(tenant, resolved, by))


def mute(tenant: str, alert_id: bytes, until_us: int | None, by: Change) -> StoreOperation[Alert]:
    """Tell nobody of it, nor of the same when it begins anew, until then; None ends that. Raises NotFound."""
    yield from lock_head(tenant)
    alert = yield from need_alert(tenant, alert_id)
    return (yield from change_alert(tenant, alert._replace(muted_until_us=until_us), by))


def admin_count_unresolved() -> StoreOperation[dict[tuple[str, str, str], int]]:
    """How many alerts are unresolved, by tenant, kind and state."""
    rows = yield Statement("admin_unresolved_by_tenant", {})
    return {(tenant, kind, state): count for tenant, kind, state, count in rows}


def _alert(row: Row) -> Alert:
    return Alert._make((*row[:5], State(row[5]), *row[6:]))
