"""Notification about a change of an alert, independent of the kind of sink."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from calltally.alerts.evaluation.alert_lifecycle import read_content
from calltally.alerts.model.finding import AlertKind
from calltally.calls.filters import FILTERS
from calltally.calls.identity import uuid_text
from calltally.calls.times import utc_text
from calltally.store.alerts.alerts import Alert, AlertEvent, AlertState, StoredAlertChange

CALLS_PATH: Final = "/api/v1/call-logs"
ALERTS_PATH: Final = "/api/v1/alerts"
_LIST_FILTERS: Final = frozenset(row.name for row in FILTERS)
# The pages of the dashboard take the same filters and ids.
_CALLS_PAGE: Final = "/calls"
_ALERTS_PAGE: Final = "/alerts"
# For people. The wire has the values of the states.
STATE_NAMES: Final[Mapping[AlertState, str]] = {
    AlertState.OPEN: "Firing",
    AlertState.ACKNOWLEDGED: "Acknowledged",
    AlertState.RESOLVED: "Resolved",
}


class Notification(NamedTuple):
    """One change of one alert. The fields are those of the webhook's body.

    `what` is opened, reopened, worsened, acknowledged, grouped, resolved or test, at the time `at_us`.
    `calls_url` lists the calls of the alert. `facts` is the newest finding with its evidence.
    """

    tenant: str
    id: str
    what: str
    state: str
    kind: str
    cause: str
    message: str
    route: str | None
    provider: str | None
    since: str
    opened_at: str
    resolved_at: str | None
    calls_url: str
    alert_url: str
    facts: Mapping[str, Any]
    at_us: int
    base_url: str

    @property
    def is_resolved(self) -> bool:
        return self.state == AlertState.RESOLVED

    @property
    def calls_page(self) -> str:
        """URL of the dashboard's list of the calls, for people: the API needs a key in a header."""
        return self.calls_url.replace(CALLS_PATH, _CALLS_PAGE, 1)

    @property
    def alert_page(self) -> str:
        """URL of the alert's page."""
        return self.alert_url.replace(ALERTS_PATH, _ALERTS_PAGE, 1)

    @property
    def has_absolute_links(self) -> bool:
        """False if the service does not know its public URL. Relative links lead nowhere elsewhere."""
        return self.calls_url.startswith("http")

    @property
    def headline(self) -> str:
        """Message with its change as a prefix, unless the alert has just opened."""
        return self.message if self.what == AlertEvent.OPENED else f"{self.what.capitalize()}: {self.message}"


class SinkRequest(NamedTuple):
    """HTTP request to a sink, to be posted as it is."""

    url: str
    headers: Mapping[str, str]
    body: bytes


def notification_of(tenant: str, alert: Alert, change: StoredAlertChange, base_url: str) -> Notification:
    """Return the notification of a change, with the alert's state; `base_url` is the service's public URL."""
    content = read_content(alert)
    alert_id = uuid_text(alert.alert)
    return Notification(
        tenant=tenant,
        id=alert_id,
        what=change.what.value,
        state=alert.state.value,
        kind=alert.kind,
        cause=alert.cause,
        message=content.message,
        route=alert.route,
        provider=alert.provider,
        since=utc_text(alert.since_us),
        opened_at=utc_text(alert.opened_us),
        resolved_at=None if alert.resolved_us is None else utc_text(alert.resolved_us),
        calls_url=calls_url(base_url, content.finding.listed),
        alert_url=f"{base_url}{ALERTS_PATH}/{alert_id}",
        facts=msgspec.to_builtins(content.finding),
        at_us=change.at_us,
        base_url=base_url,
    )


def calls_url(base_url: str, listed: Mapping[str, str]) -> str:
    """Return the list of the calls, without filters that it does not have: it would refuse the account."""
    query = urlencode({name: value for name, value in listed.items() if name in _LIST_FILTERS})
    return f"{base_url}{CALLS_PATH}?{query}" if query else f"{base_url}{CALLS_PATH}"


def test_notification_of(tenant: str, sink_id: str, now_us: int, base_url: str) -> Notification:
    """Return a test notification. It is resolved at once, so that no alert stays open in a sink."""
    return Notification(
        tenant=tenant,
        id=sink_id,
        what="test",
        state=AlertState.RESOLVED.value,
        kind=AlertKind.RATE.value,
        cause=f"test/{sink_id}",
        message=f"Calltally can send alerts of {tenant} to this sink. Nothing is wrong.",
        route=None,
        provider=None,
        since=utc_text(now_us),
        opened_at=utc_text(now_us),
        resolved_at=utc_text(now_us),
        calls_url=f"{base_url}{CALLS_PATH}",
        alert_url=f"{base_url}{ALERTS_PATH}",
        facts={},
        at_us=now_us,
        base_url=base_url,
    )
