"""Alerts of a server, and what is done about them."""

from typing import Any, Final, TypedDict, Unpack
from urllib.parse import quote

import msgspec

from calltally.calls.errors import InvalidInput
from calltally.client.config import Plan
from calltally.client.records import Page
from calltally.client.response_parsing import read, read_page
from calltally.client.retries import send
from calltally.client.sans_io import Talk
from calltally.client.wire import Pairs, Request

_PATH: Final = "/api/v1/alerts"
_JSON: Final = {"content-type": "application/json"}


class AlertRecord(msgspec.Struct, frozen=True):
    """One alert. `message` reads like a sentence, `calls` lists the calls behind it; times are RFC 3339."""

    id: str
    state: str
    kind: str
    message: str
    since: str
    opened_at: str
    updated_at: str
    calls: str
    dimension: str | None = None
    series: str | None = None
    metric: str | None = None
    direction: str | None = None
    speed: str | None = None
    route: str | None = None
    provider: str | None = None
    resolved_at: str | None = None
    muted_until: str | None = None
    evidence: dict[str, Any] | None = None
    children: tuple[dict[str, Any], ...] = ()
    call_sids: tuple[str, ...] = ()
    history: tuple[dict[str, Any], ...] = ()


class AlertFilters(TypedDict, total=False):
    """Which alerts; `state` may be `unresolved`, times are RFC 3339 or dates."""

    state: str
    kind: str
    route: str
    provider: str
    from_: str
    to: str


AlertPage = Page[AlertRecord]
_alert: Final = msgspec.json.Decoder(AlertRecord)
_page: Final = msgspec.json.Decoder(AlertPage)


def list_alerts(
    plan: Plan, *, limit: int = 25, offset: int = 0, **filters: Unpack[AlertFilters]
) -> Talk[AlertPage]:
    """A page of alerts, the newest first, by `state`, `kind`, `route`, `provider`, `from_` and `to`.

    Raises ClientError.
    """
    pairs = [(name.removesuffix("_"), str(value)) for name, value in filters.items()]
    paged: Pairs = [*pairs, ("limit", str(limit)), ("offset", str(offset))]
    return read_page((yield from send(plan, Request("GET", _PATH, paged))), _page)


def get_alert(plan: Plan, alert_id: str) -> Talk[AlertRecord]:
    """One alert with its history. Raises NotFound, ClientError."""
    return read((yield from send(plan, Request("GET", _path(alert_id)))), _alert)


def acknowledge_alert(plan: Plan, alert_id: str, note: str | None = None) -> Talk[AlertRecord]:
    """Say that somebody looks after it. Raises NotFound, Conflict, ClientError."""
    return (yield from _done(plan, alert_id, "acknowledge", {"note": note}))


def resolve_alert(plan: Plan, alert_id: str, note: str | None = None) -> Talk[AlertRecord]:
    """Say that it is over. Raises NotFound, ClientError."""
    return (yield from _done(plan, alert_id, "resolve", {"note": note}))


def mute_alert(plan: Plan, alert_id: str, until: str | None, note: str | None = None) -> Talk[AlertRecord]:
    """Have nobody told of it until a time (RFC 3339); None ends that. Raises NotFound, ClientError."""
    return (yield from _done(plan, alert_id, "mute", {"until": until, "note": note}))


def _done(plan: Plan, alert_id: str, what: str, body: dict[str, str | None]) -> Talk[AlertRecord]:
    # To do it twice is what doing it once is, but for a line of the history.
    path = f"{_path(alert_id)}/{what}"
    request = Request("POST", path, (), _JSON, msgspec.json.encode(body), is_idempotent=True)
    return read((yield from send(plan, request)), _alert)


def _path(alert_id: str) -> str:
    if not alert_id or alert_id in {".", ".."}:
        raise InvalidInput.of("alert_id", f"alert_id must be the id of an alert, not {alert_id!r}")
    return f"{_PATH}/{quote(alert_id, safe='')}"
