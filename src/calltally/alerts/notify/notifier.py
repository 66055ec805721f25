"""Notifier: sends changes of alerts to sinks, in order and with retries."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from calltally.alerts.notify.notification import Notification, notification_of
from calltally.alerts.notify.sink_kinds import ALERTMANAGER, EMAIL, KINDS
from calltally.alerts.notify.sink_requests import RESEND_US, build_mail
from calltally.calls.errors import CalltallyError, NotFound
from calltally.calls.identity import uuid_text
from calltally.calls.times import SECOND_US
from calltally.logs import get_logger
from calltally.net.http_client import RequestFailure, RequestOutcome
from calltally.net.mail import MailServer
from calltally.retry_policy import RetryPolicy
from calltally.store.alerts.alerts import (
    Alert,
    AlertEvent,
    AlertState,
    StoredAlertChange,
    alert_history,
    need_alert,
)
from calltally.store.alerts.sinks import (
    PendingNotification,
    StoredAlertSink,
    defer_notification,
    due_notifications,
    list_sinks,
    save_sink_result,
    settle_notification,
)
from calltally.store.db.interface import Store
from calltally.store.db.leases import Lease, claim, release
from calltally.store.db.operation import Clock, StoreOperation
from calltally.store.tenants.vault import Vault
from calltally.tracing import delivery_span

NOTICES_LEASE: Final = "alert notices"
LEASE_US: Final = 120 * SECOND_US
_BATCH: Final = 50
# About twelve hours in total; later, the alert list still shows the change.
RETRY_POLICY: Final = RetryPolicy(tries=30, first_s=15.0, max_s=1800.0)
_MAX_FAULT_CHARS: Final = 300
# Kinds of sinks without acknowledgements.
_WITHOUT_ACKNOWLEDGEMENT: Final = frozenset({ALERTMANAGER, EMAIL})
_RESOLVING: Final = frozenset({AlertEvent.RESOLVED, AlertEvent.GROUPED})

log: Final = get_logger(__name__)


class HttpPoster(Protocol):
    """Client that posts a body to a URL."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> RequestOutcome:
        """Post the body. Never raises for an error of the other side."""
        ...


class NotifierDependencies(NamedTuple):
    """Dependencies of the notifier. `mail` returns the error text; `base_url` is the service's public URL.

    `tally` counts an attempt by its outcome: `sent`, `failed` or `dead`.
    """

    outgoing: HttpPoster
    mail: Callable[[MailServer, Any], Awaitable[str | None]]
    vault: Callable[[], Vault]
    base_url: str
    tally: Callable[[str], None] = lambda _outcome: None


async def send_notification(
    dependencies: NotifierDependencies,
    tenant: str,
    sink: StoredAlertSink,
    notification: Notification,
    now_us: int,
) -> str | None:
    """Send one notification once; returns the error text without secrets, or None.

    Raises Misconfigured, DamagedStore for secrets that cannot be opened.
    """
    opened = dependencies.vault().open(tenant, sink_seal_name(sink.sink), sink.sealed)
    settings: dict[str, Any] = msgspec.json.decode(opened["settings"])
    if sink.kind == EMAIL:
        server = MailServer(
            *(settings["host"], settings.get("port", 587), settings.get("security", "starttls")),
            *(settings.get("username"), settings.get("password")),
        )
        fault = await dependencies.mail(server, build_mail(notification, settings, now_us))
    elif build_request := KINDS[sink.kind].build_request:
        fault = _fault_text(await dependencies.outgoing.post(*build_request(notification, settings, now_us)))
    else:
        fault = f"unknown kind of sink: {sink.kind}"
    # The text of a sink's response is stored, and PostgreSQL has no NUL in texts.
    return fault and fault.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _fault_text(outcome: RequestOutcome) -> str | None:
    if isinstance(outcome, RequestFailure):
        return outcome.detail[:_MAX_FAULT_CHARS]
    if HTTPStatus.OK <= outcome.status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    body = " ".join(outcome.body.decode("utf-8", "replace").split())
    return f"the sink answered {outcome.status}: {body}"[:_MAX_FAULT_CHARS].rstrip(": ")


def sink_seal_name(sink: bytes) -> str:
    """Return the name that the vault binds a sink's secrets to, in place of a provider's name."""
    return f"alert sink {uuid_text(sink)}"


class Notifier:
    """Sends due notifications, tenant by tenant."""

    def __init__(self, store: Store, dependencies: NotifierDependencies, clock: Clock) -> None:
        self._store = store
        self._dependencies = dependencies
        self._clock = clock

    async def send_due(self, tenant: str, holder: str) -> int:
        """Send a tenant's due notifications; returns the number that was sent."""
        now_us, lease = self._clock(), Lease(tenant, NOTICES_LEASE, holder)
        if not await self._store.read(due_notifications(tenant, now_us, _BATCH)):
            return 0
        if not await self._store.write(claim(lease, now_us=now_us, until_us=now_us + LEASE_US)):
            return 0
        sent = await self._send_all(tenant)
        await self._store.write(release(lease))
        return sent

    async def _send_all(self, tenant: str) -> int:
        """Send the due notifications, read again under the lease: another worker may have sent some."""
        notices = await self._store.read(due_notifications(tenant, self._clock(), _BATCH))
        sinks = {sink.sink: sink for sink in await self._store.read(list_sinks(tenant))}
        failed_sinks: set[bytes] = set()
        sent = 0
        for notice in sorted(notices, key=lambda each: (each.created_us, each.alert, each.change)):
            sink = sinks.get(notice.sink)
            # After a failure, further notices of the sink wait, which keeps their order.
            if sink is None or sink.sink in failed_sinks:
                continue
            if await self._attempt(tenant, sink, notice):
                sent += 1
            else:
                failed_sinks.add(sink.sink)
        return sent

    async def _attempt(self, tenant: str, sink: StoredAlertSink, notice: PendingNotification) -> bool:
        alert, change = await self._store.read(_alert_and_change(tenant, notice))
        if alert is None or change is None or _is_obsolete(sink, alert, change):
            await self._store.write(settle_notification(tenant, notice, None, None))
            return True
        fault = await self._send_change(tenant, sink, alert, change)
        now_us = self._clock()
        is_last = not RETRY_POLICY.allows_retry(notice.tries + 1)
        self._dependencies.tally("sent" if fault is None else "dead" if is_last else "failed")
        if fault is None:
            await self._store.write(_record_success(tenant, sink, notice, alert, now_us))
            return True
        log.warning("an alert could not be sent", tenant=tenant, sink=uuid_text(sink.sink), detail=fault)
        await self._store.write(_record_failure(tenant, notice, fault, now_us))
        return False

    async def _send_change(
        self, tenant: str, sink: StoredAlertSink, alert: Alert, change: StoredAlertChange
    ) -> str | None:
        """Send a change; returns the error text. No error may delay the tenant's other sinks."""
        try:
            state = _state_after(alert, change)
            notification = notification_of(tenant, state, change, self._dependencies.base_url)
            with delivery_span(f"notify {sink.kind}", {"calltally.tenant": tenant}):
                return await send_notification(self._dependencies, tenant, sink, notification, self._clock())
        except CalltallyError as fault:
            return fault.detail
        except ValueError:
            # The settings were valid for an earlier version.
            return "the stored settings are invalid; save them again"
        except Exception as fault:
            ids = {"sink": uuid_text(sink.sink), "alert": uuid_text(alert.alert)}
            log.exception("an alert could not be sent because of an internal error", tenant=tenant, **ids)
            return f"internal error ({type(fault).__name__}); see the service's log"


def _alert_and_change(
    tenant: str, notice: PendingNotification
) -> StoreOperation[tuple[Alert | None, StoredAlertChange | None]]:
    try:
        alert = yield from need_alert(tenant, notice.alert)
    except NotFound:
        return None, None
    history = yield from alert_history(tenant, notice.alert)
    return alert, next((each for each in history if each.change == notice.change), None)


def _is_obsolete(sink: StoredAlertSink, alert: Alert, change: StoredAlertChange) -> bool:
    """Decide whether a sink can skip a change: an acknowledgement, or a change of an ended alert."""
    if change.what is AlertEvent.ACKNOWLEDGED and sink.kind in _WITHOUT_ACKNOWLEDGEMENT:
        return True
    is_over = alert.state is AlertState.RESOLVED and change.what not in _RESOLVING
    return sink.kind == ALERTMANAGER and is_over


def _state_after(alert: Alert, change: StoredAlertChange) -> Alert:
    """Return the alert in the state after a change: delayed notices are sent in order."""
    if change.what in _RESOLVING:
        return alert._replace(state=AlertState.RESOLVED, resolved_us=change.at_us)
    state = AlertState.ACKNOWLEDGED if change.what is AlertEvent.ACKNOWLEDGED else AlertState.OPEN
    return alert._replace(state=state, resolved_us=None)


def _record_success(
    tenant: str, sink: StoredAlertSink, notice: PendingNotification, alert: Alert, now_us: int
) -> StoreOperation[None]:
    if sink.kind == ALERTMANAGER and alert.state is not AlertState.RESOLVED:
        # Alertmanager forgets an alert that is not sent again.
        yield from defer_notification(tenant, notice, now_us + RESEND_US, tries=0)
        yield from save_sink_result(tenant, sink.sink, now_us, None)
    else:
        yield from settle_notification(tenant, notice, now_us, None)


def _record_failure(
    tenant: str, notice: PendingNotification, fault: str, now_us: int
) -> StoreOperation[None]:
    failures = notice.tries + 1
    if not RETRY_POLICY.allows_retry(failures):
        yield from settle_notification(tenant, notice, None, fault)
        return
    due_us = now_us + int(RETRY_POLICY.delay_s(failures) * SECOND_US)
    yield from defer_notification(tenant, notice, due_us, tries=failures)
    yield from save_sink_result(tenant, notice.sink, None, fault)
