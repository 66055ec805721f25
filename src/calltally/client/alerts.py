"""Operations on alerts."""

from typing import Any, Final, TypedDict, Unpack
from urllib.parse import quote

import msgspec

from calltally.calls.errors import InvalidInput
from calltally.client.config import ClientConfig
from calltally.client.records import Page
from calltally.client.response_parsing import decode_page, decode_record
from calltally.client.retries import send
from calltally.client.sans_io import ClientOperation
from calltally.client.wire import QueryParams, Request

_ALERTS_PATH: Final = "/api/v1/alerts"
_JSON_HEADERS: Final = {"content-type": "application/json"}


class AlertRecord(msgspec.Struct, frozen=True):
    """One alert. `message` is a sentence, `calls` is the URL of its calls; times are RFC 3339."""

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
    """Filters of alerts. `state` may be `unresolved`; times are RFC 3339 or dates."""

    state: str
    kind: str
    route: str
    provider: str
    from_: str
    to: str


AlertPage = Page[AlertRecord]
_alert_decoder: Final = msgspec.json.Decoder(AlertRecord)
_alert_page_decoder: Final = msgspec.json.Decoder(AlertPage)


def list_alerts(
    config: ClientConfig, *, limit: int = 25, offset: int = 0, **filters: Unpack[AlertFilters]
) -> ClientOperation[AlertPage]:
    """Return a page of alerts, newest first, by `state`, `kind`, `route`, `provider`, `from_` and `to`.

    Raises ClientError.
    """
    pairs = [(name.removesuffix("_"), str(value)) for name, value in filters.items()]
    paged: QueryParams = [*pairs, ("limit", str(limit)), ("offset", str(offset))]
    return decode_page((yield from send(config, Request("GET", _ALERTS_PATH, paged))), _alert_page_decoder)


def get_alert(config: ClientConfig, alert_id: str) -> ClientOperation[AlertRecord]:
    """Return one alert with its history. Raises NotFound, ClientError."""
    return decode_record((yield from send(config, Request("GET", _alert_path(alert_id)))), _alert_decoder)


def acknowledge_alert(
    config: ClientConfig, alert_id: str, note: str | None = None
) -> ClientOperation[AlertRecord]:
    """Acknowledge an alert. Raises NotFound, Conflict, ClientError."""
    return (yield from _post_action(config, alert_id, "acknowledge", {"note": note}))


def resolve_alert(
    config: ClientConfig, alert_id: str, note: str | None = None
) -> ClientOperation[AlertRecord]:
    """Resolve an alert. Raises NotFound, ClientError."""
    return (yield from _post_action(config, alert_id, "resolve", {"note": note}))


def mute_alert(
    config: ClientConfig, alert_id: str, until: str | None, note: str | None = None
) -> ClientOperation[AlertRecord]:
    """Mute the notifications of an alert until a time (RFC 3339), or unmute it with None.

    Raises NotFound, ClientError.
    """
    return (yield from _post_action(config, alert_id, "mute", {"until": until, "note": note}))


def _post_action(
    config: ClientConfig, alert_id: str, what: str, body: dict[str, str | None]
) -> ClientOperation[AlertRecord]:
    # Idempotent: a repetition only adds a line to the history.
    path = f"{_alert_path(alert_id)}/{what}"
    request = Request("POST", path, (), _JSON_HEADERS, msgspec.json.encode(body), is_idempotent=True)
    return decode_record((yield from send(config, request)), _alert_decoder)


def _alert_path(alert_id: str) -> str:
    if not alert_id or alert_id in {".", ".."}:
        raise InvalidInput.of("alert_id", f"alert_id must be the id of an alert, not {alert_id!r}")
    return f"{_ALERTS_PATH}/{quote(alert_id, safe='')}"
