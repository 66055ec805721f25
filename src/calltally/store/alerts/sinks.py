"""Notification sinks of alerts, and their pending notifications."""

from typing import Final, NamedTuple

from calltally.calls.errors import Conflict, NotFound
from calltally.store.db.operation import Statement, StoreOperation

MAX_SINKS: Final = 50


class StoredAlertSink(NamedTuple):
    """One sink. `public_settings` is JSON that the API returns, `sealed` has the encrypted settings.

    `notified_us` is the time of the last successful notification, `fault` the error of the last attempt.
    """

    sink: bytes
    kind: str
    name: str
    public_settings: bytes
    sealed: bytes
    created_us: int = 0
    updated_us: int = 0
    notified_us: int | None = None
    fault: str | None = None


class PendingNotification(NamedTuple):
    """A pending notification of a sink about a change of an alert, with the number of attempts."""

    sink: bytes
    alert: bytes
    change: int
    tries: int
    created_us: int


def list_sinks(tenant: str) -> StoreOperation[list[StoredAlertSink]]:
    """List all sinks of a tenant, oldest first."""
    return [StoredAlertSink(*row) for row in (yield Statement("sinks_of_tenant", {"tenant": tenant}))]


def need_sink(tenant: str, sink: bytes) -> StoreOperation[StoredAlertSink]:
    """Return the sink with that id. Raises NotFound."""
    rows = yield Statement("sink_of_id", {"tenant": tenant, "sink": sink})
    if not rows:
        raise NotFound("there is no alert sink with that id")
    return StoredAlertSink(*rows[0])


def add_sink(tenant: str, new: StoredAlertSink, now_us: int) -> StoreOperation[StoredAlertSink]:
    """Add a sink. Raises Conflict if the tenant has the maximum number of sinks."""
    if len((yield from list_sinks(tenant))) >= MAX_SINKS:
        message = f"a tenant has at most {MAX_SINKS} alert sinks; delete one first"
        raise Conflict(message)
    yield Statement("add_sink", {"tenant": tenant, **new._asdict(), "now_us": now_us})
    return (yield from need_sink(tenant, new.sink))


def change_sink(tenant: str, sink: StoredAlertSink, now_us: int) -> StoreOperation[StoredAlertSink]:
    """Replace a sink. Raises NotFound, also if it was deleted meanwhile."""
    yield Statement("change_sink", {"tenant": tenant, **sink._asdict(), "now_us": now_us})
    return (yield from need_sink(tenant, sink.sink))


def drop_sink(tenant: str, sink: bytes) -> StoreOperation[None]:
    """Delete a sink and its pending notifications. Raises NotFound."""
    gone = yield Statement("drop_sink", {"tenant": tenant, "sink": sink})
    if not gone:
        raise NotFound("there is no alert sink with that id")
    yield Statement("drop_notices_of_sink", {"tenant": tenant, "sink": sink})


def due_notifications(tenant: str, now_us: int, most: int) -> StoreOperation[list[PendingNotification]]:
    rows = yield Statement("due_notices", {"tenant": tenant, "now_us": now_us, "most": most})
    return [PendingNotification(*row) for row in rows]


def settle_notification(
    tenant: str, notification: PendingNotification, notified_us: int | None, fault: str | None
) -> StoreOperation[None]:
    """Remove a notification that was sent or given up, and save the result with its sink."""
    yield Statement("drop_notice", {"tenant": tenant, **notification._asdict()})
    yield from save_sink_result(tenant, notification.sink, notified_us, fault)


def defer_notification(
    tenant: str, notification: PendingNotification, due_us: int, *, tries: int
) -> StoreOperation[None]:
    """Postpone a notification until `due_us`, with the number of attempts so far."""
    values = {**notification._asdict(), "due_us": due_us, "tries": tries}
    yield Statement("defer_notice", {"tenant": tenant, **values})


def save_sink_result(
    tenant: str, sink: bytes, notified_us: int | None, fault: str | None
) -> StoreOperation[None]:
    """Save the result of the last notification of a sink."""
    result = {"notified_us": notified_us, "fault": fault}
    yield Statement("note_sink", {"tenant": tenant, "sink": sink, **result})
