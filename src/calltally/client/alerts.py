"""Operations on alerts."""

from typing import Any, Final, TypedDict, Unpack

import msgspec

from calltally.calls.list_query import DEFAULT_LIMIT
from calltally.client.filters import Moment, query_params, time_text
from calltally.client.json_bodies import json_request
from calltally.client.literals import AlertStateFilter
from calltally.client.paging import item_path, list_request
from calltally.client.records import Page
from calltally.client.response_parsing import decode_page, decode_record
from calltally.client.retries import send
from calltally.client.transport import Session
from calltally.client.wire import Request

_ALERTS_PATH: Final = "/api/v1/alerts"


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
    """Filters of alerts. `state` may be `unresolved`; `from_` and `to` bound the time of opening."""

    state: AlertStateFilter | None
    kind: str | None
    route: str | None
    provider: str | None
    from_: Moment | None
    to: Moment | None


_ALERT_FILTERS: Final = frozenset(AlertFilters.__annotations__)
AlertPage = Page[AlertRecord]
_alert_decoder: Final = msgspec.json.Decoder(AlertRecord)
_alert_page_decoder: Final = msgspec.json.Decoder(AlertPage)


async def list_alerts(
    session: Session, *, limit: int = DEFAULT_LIMIT, offset: int = 0, **filters: Unpack[AlertFilters]
) -> AlertPage:
    """Return a page of alerts, newest first, by `state`, `kind`, `route`, `provider`, `from_` and `to`.

    Raises ClientError.
    """
    request = list_request(_ALERTS_PATH, query_params(filters, _ALERT_FILTERS), limit, offset)
    return decode_page(await send(session, request), _alert_page_decoder)


async def get_alert(session: Session, alert_id: str) -> AlertRecord:
    """Return one alert with its history. Raises NotFoundError, ClientError."""
    return decode_record(await send(session, Request("GET", _alert_path(alert_id))), _alert_decoder)


async def acknowledge_alert(session: Session, alert_id: str, note: str | None = None) -> AlertRecord:
    """Acknowledge an alert. Raises NotFoundError, ConflictError, ClientError."""
    return await _post_action(session, alert_id, "acknowledge", {"note": note})


async def resolve_alert(session: Session, alert_id: str, note: str | None = None) -> AlertRecord:
    """Resolve an alert. Raises NotFoundError, ClientError."""
    return await _post_action(session, alert_id, "resolve", {"note": note})


async def mute_alert(
    session: Session, alert_id: str, until: Moment | None, note: str | None = None
) -> AlertRecord:
    """Mute the notifications of an alert until a time, or unmute it with None.

    Raises NotFoundError, ClientError.
    """
    until_text = None if until is None else time_text("until", until)
    return await _post_action(session, alert_id, "mute", {"until": until_text, "note": note})


async def _post_action(
    session: Session, alert_id: str, action: str, body: dict[str, str | None]
) -> AlertRecord:
    # A repetition only adds a line to the history.
    request = json_request("POST", f"{_alert_path(alert_id)}/{action}", body)
    return decode_record(await send(session, request), _alert_decoder)


def _alert_path(alert_id: str) -> str:
    return item_path(_ALERTS_PATH, alert_id, "alert_id", "the id of an alert")
