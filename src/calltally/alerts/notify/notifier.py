"""Telling sinks what became of alerts: in order, again where it fails, and for as long as a sink forgets."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from calltally.alerts.notify import alertmanager
from calltally.alerts.notify.email import build_mail
from calltally.alerts.notify.notification import Notification, notification_of
from calltally.alerts.notify.sink_kinds import ALERTMANAGER, EMAIL, KINDS
from calltally.calls.errors import CalltallyError, NotFound
from calltally.calls.identity import uuid_text
from calltally.calls.times import SECOND_US
from calltally.logs import get_logger
from calltally.net.http_client import RequestFailure, RequestOutcome
from calltally.net.mail import MailServer
from calltally.store.alerts.alerts import Alert, Change, State, What, history_of, need_alert
from calltally.store.alerts.sinks import (
    Notice,
    Sink,
    defer_notice,
    due_notices,
    list_sinks,
    note_sink,
    settle_notice,
)
from calltally.store.db.interface import Store
from calltally.store.db.leases import Lease, claim, release
from calltally.store.db.operation import Clock, Step
from calltally.store.tenants.vault import Vault

NOTICES_LEASE: Final = "alert notices"
LEASE_US: Final = 120 * SECOND_US
_BATCH: Final = 50
_FIRST_BACKOFF_US: Final = 15 * SECOND_US
_MAX_BACKOFF_US: Final = 1800 * SECOND_US
# In all about twelve hours: what nobody could be told by then is in the list all the same.
MAX_TRIES: Final = 30
_MAX_FAULT_CHARS: Final = 300
# Who has no word for it is not told that somebody acknowledged.
_WITHOUT_ACKNOWLEDGEMENT: Final = frozenset({ALERTMANAGER, EMAIL})

log: Final = get_logger(__name__)


class HttpPoster(Protocol):
    """Sends a body to a URL, and says what came of it."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> RequestOutcome:
        """Never raises for what the other side does."""
        ...


class NotifierDependencies(NamedTuple):
    """How the outside is reached. `mail` returns what went wrong; `base` is the service's public URL."""

    outgoing: HttpPoster
    mail: Callable[[MailServer, Any], Awaitable[str | None]]
    vault: Callable[[], Vault]
    base_url: str


async def send_notification(
    dependencies: NotifierDependencies, tenant: str, sink: Sink, notification: Notification, now_us: int
) -> str | None:
    """Tell a sink one thing, once; returns what went wrong, in words that hold no secret, or None."""
    fault = await _send(dependencies, tenant, sink, notification, now_us)
    # Another's words, and they are kept: PostgreSQL has no place for a NUL in a text.
    return fault and fault.replace("\0", "\N{REPLACEMENT CHARACTER}")


async def _send(
    dependencies: NotifierDependencies, tenant: str, sink: Sink, notification: Notification, now_us: int
) -> str | None:
    settings = open_settings(dependencies.vault(), tenant, sink)
    if sink.kind == EMAIL:
        server = MailServer(
            *(settings["host"], settings.get("port", 587), settings.get("security", "starttls")),
            *(settings.get("username"), settings.get("password")),
        )
        return await dependencies.mail(server, build_mail(notification, settings, now_us))
    build_request = KINDS[sink.kind].build_request
    if build_request is None:
        return f"unknown kind of sink: {sink.kind}"
    request = build_request(notification, settings, now_us)
    outcome = await dependencies.outgoing.post(*request)
    return _fault_text(outcome)


def _fault_text(outcome: RequestOutcome) -> str | None:
    if isinstance(outcome, RequestFailure):
        return outcome.detail[:_MAX_FAULT_CHARS]
    if HTTPStatus.OK <= outcome.status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    body = " ".join(outcome.body.decode("utf-8", "replace").split())
    return f"the sink answered {outcome.status}: {body}"[:_MAX_FAULT_CHARS].rstrip(": ")


def sink_seal_name(sink: bytes) -> str:
    """What the vault binds a sink's secrets to, in a provider's place."""
    return f"alert sink {uuid_text(sink)}"


def open_settings(vault: Vault, tenant: str, sink: Sink) -> dict[str, Any]:
    """All settings of a sink. Raises Misconfigured, DamagedStore."""
    settings = vault.open(tenant, sink_seal_name(sink.sink), sink.sealed)["settings"]
    opened: dict[str, Any] = msgspec.json.decode(settings)
    return opened


class Notifier:
    """Tells what is due, tenant by tenant."""

    def __init__(self, store: Store, dependencies: NotifierDependencies, clock: Clock) -> None:
        self._store = store
        self._ways = dependencies
        self._clock = clock

    async def send_due(self, tenant: str, holder: str) -> int:
        """Tell a tenant's sinks what is due; returns how much they were told."""
        now_us = self._clock()
        notices = await self._store.read(due_notices(tenant, now_us, _BATCH))
        lease = Lease(tenant, NOTICES_LEASE, holder)
        if not notices:
            return 0
        if not await self._store.write(claim(lease, now_us=now_us, until_us=now_us + LEASE_US)):
            return 0
        sent = await self._send_all(tenant)
        await self._store.write(release(lease))
        return sent

    async def _send_all(self, tenant: str) -> int:
        """What is due now that the lease is ours: another worker may have told some of it before."""
        notices = await self._store.read(due_notices(tenant, self._clock(), _BATCH))
        sinks = {sink.sink: sink for sink in await self._store.read(list_sinks(tenant))}
        failed_sinks: set[bytes] = set()
        sent = 0
        for notice in sorted(notices, key=lambda each: (each.created_us, each.alert, each.change)):
            sink = sinks.get(notice.sink)
            # One that does not answer now is not asked again for each notice: what follows keeps its order.
            if sink is None or sink.sink in failed_sinks:
                continue
            if await self._attempt(tenant, sink, notice):
                sent += 1
            else:
                failed_sinks.add(sink.sink)
        return sent

    async def _attempt(self, tenant: str, sink: Sink, notice: Notice) -> bool:
        alert, change = await self._store.read(_alert_and_change(tenant, notice))
        if alert is None or change is None or _is_obsolete(sink, alert, change):
            await self._store.write(settle_notice(tenant, notice, None, None))
            return True
        fault = await self._send_change(tenant, sink, alert, change)
        now_us = self._clock()
        if fault is None:
            await self._store.write(_record_success(tenant, sink, notice, alert, now_us))
            return True
        log.warning("an alert could not be sent", tenant=tenant, sink=uuid_text(sink.sink), detail=fault)
        await self._store.write(_record_failure(tenant, notice, fault, now_us))
        return False

    async def _send_change(self, tenant: str, sink: Sink, alert: Alert, change: Change) -> str | None:
        """What went wrong. Whatever it is, it must not keep the tenant's other sinks waiting."""
        try:
            notification = notification_of(
                tenant, _state_after(alert, change), change.what.value, self._ways.base_url
            )
            return await send_notification(self._ways, tenant, sink, notification, self._clock())
        except CalltallyError as fault:
            return fault.detail
        except ValueError:
            # What is stored of it was let in once.
            return "the stored settings are invalid; save them again"
        except Exception as fault:
            ids = {"sink": uuid_text(sink.sink), "alert": uuid_text(alert.alert)}
            log.exception("an alert could not be sent because of an internal error", tenant=tenant, **ids)
            return f"internal error ({type(fault).__name__}); see the service's log"


def _alert_and_change(tenant: str, notice: Notice) -> Step[tuple[Alert | None, Change | None]]:
    try:
        alert = yield from need_alert(tenant, notice.alert)
    except NotFound:
        return None, None
    history = yield from history_of(tenant, notice.alert)
    return alert, next((each for each in history if each.change == notice.change), None)


def _is_obsolete(sink: Sink, alert: Alert, change: Change) -> bool:
    """What a sink has no word for, and what Alertmanager would be told again though it ended."""
    if change.what is What.ACKNOWLEDGED and sink.kind in _WITHOUT_ACKNOWLEDGEMENT:
        return True
    is_over = alert.state is State.RESOLVED and change.what not in _RESOLVING
    return sink.kind == ALERTMANAGER and is_over


_RESOLVING: Final = frozenset({What.RESOLVED, What.GROUPED})


def _state_after(alert: Alert, change: Change) -> Alert:
    """The alert in the state that a change led to: notices that waited are told in their order."""
    if change.what in _RESOLVING:
        return alert._replace(state=State.RESOLVED, resolved_us=change.at_us)
    state = State.ACKNOWLEDGED if change.what is What.ACKNOWLEDGED else State.OPEN
    return alert._replace(state=state, resolved_us=None)


def _record_success(tenant: str, sink: Sink, notice: Notice, alert: Alert, now_us: int) -> Step[None]:
    if sink.kind == ALERTMANAGER and alert.state is not State.RESOLVED:
        # It forgets what is not told again.
        yield from defer_notice(tenant, notice, now_us + alertmanager.RESEND_US, tries=0)
        yield from record_sent(tenant, sink, now_us)
    else:
        yield from settle_notice(tenant, notice, now_us, None)


def record_sent(tenant: str, sink: Sink, now_us: int) -> Step[None]:
    """That something was told to a sink just now."""
    yield from note_sink(tenant, sink.sink, now_us, None)


def _record_failure(tenant: str, notice: Notice, fault: str, now_us: int) -> Step[None]:
    if notice.tries + 1 >= MAX_TRIES:
        yield from settle_notice(tenant, notice, None, fault)
        return
    backoff_us = min(_MAX_BACKOFF_US, _FIRST_BACKOFF_US * 2**notice.tries)
    yield from defer_notice(tenant, notice, now_us + backoff_us, tries=notice.tries + 1)
    yield from note_sink(tenant, notice.sink, None, fault)
