"""Operations on alert rules and alert sinks."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict

import msgspec

from calltally.client.filters import check_known
from calltally.client.json_bodies import creating_request, given_fields, json_request
from calltally.client.literals import SinkKindName
from calltally.client.paging import item_path
from calltally.client.response_parsing import decode_record
from calltally.client.retries import send
from calltally.client.transport import Session
from calltally.client.wire import Request

RULES_PATH: Final = "/api/v1/alert-rules"
SINKS_PATH: Final = "/api/v1/alert-sinks"


class AlertRules(TypedDict, total=False):
    """Alert rules of a tenant. Absent ones have their defaults.

    `false_alarms_a_week` is one budget for the whole tenant. `holidays` are dates (`2026-12-25`) in the time
    zone `tz`.
    """

    false_alarms_a_week: float
    least_calls: int
    metrics: Sequence[str]
    dimensions: Sequence[str]
    kinds: Sequence[str]
    floors: Mapping[str, float]
    tz: str
    holidays: Sequence[str]
    campaigns: Sequence[Mapping[str, Any]]
    mutes: Sequence[Mapping[str, Any]]


class SinkRecord(msgspec.Struct, frozen=True):
    """One sink, without its secrets. `fault` is the error of the last notification, if it failed."""

    id: str
    kind: str
    name: str
    settings: dict[str, Any]
    created_at: str
    updated_at: str
    told_at: str | None = None
    fault: str | None = None


class SinkSecret(SinkRecord, frozen=True):
    """New or changed sink. A webhook sink has a `secret`, which the server shows only once."""

    secret: str | None = None

    def __repr__(self) -> str:
        return f"SinkSecret(id={self.id!r}, kind={self.kind!r}, name={self.name!r}, secret=…)"


class SinkTest(msgspec.Struct, frozen=True):
    """Result of a test notification. `told` is True if it arrived, otherwise `fault` is the reason."""

    told: bool
    fault: str | None = None


class _SinkList(msgspec.Struct, frozen=True):
    """All sinks of a tenant."""

    data: list[SinkRecord]


_RULES: Final = frozenset(AlertRules.__annotations__)
_rules_decoder: Final = msgspec.json.Decoder(AlertRules)
_sink_decoder: Final = msgspec.json.Decoder(SinkRecord)
_secret_decoder: Final = msgspec.json.Decoder(SinkSecret)
_list_decoder: Final = msgspec.json.Decoder(_SinkList)
_test_decoder: Final = msgspec.json.Decoder(SinkTest)


async def get_alert_rules(session: Session) -> AlertRules:
    """Return the rules that differ from their defaults. Raises ClientError."""
    return decode_record(await send(session, Request("GET", RULES_PATH)), _rules_decoder)


async def put_alert_rules(session: Session, rules: AlertRules) -> AlertRules:
    """Replace all rules: `{**client.get_alert_rules(), "least_calls": 50}` changes one.

    Raises BadRequestError and ClientError.
    """
    check_known(rules, _RULES)
    return decode_record(await send(session, json_request("PUT", RULES_PATH, rules)), _rules_decoder)


async def list_alert_sinks(session: Session) -> list[SinkRecord]:
    """Return all alert sinks, oldest first. Raises ClientError."""
    return decode_record(await send(session, Request("GET", SINKS_PATH)), _list_decoder).data


async def add_alert_sink(
    session: Session,
    kind: SinkKindName,
    *,
    name: str,
    settings: Mapping[str, Any],
    idempotency_key: str | None = None,
) -> SinkSecret:
    """Create an alert sink. Notifications start with new alerts.

    Settings by kind: `webhook` {url, secret}, `slack` {url}, `pagerduty` {routing_key, url}, `alertmanager`
    {url, username, password, token}, `email` {host, port, security, username, password, from, to}. Raises
    BadRequestError, ForbiddenError and ClientError.
    """
    request = creating_request(SINKS_PATH, _body(kind, name, settings), idempotency_key)
    return decode_record(await send(session, request), _secret_decoder)


async def get_alert_sink(session: Session, sink_id: str) -> SinkRecord:
    """Return one alert sink. Raises NotFoundError, ClientError."""
    return decode_record(await send(session, Request("GET", _sink_path(sink_id))), _sink_decoder)


async def put_alert_sink(
    session: Session, sink_id: str, kind: SinkKindName, *, name: str, settings: Mapping[str, Any]
) -> SinkSecret:
    """Replace a sink with its secrets: an absent secret is removed or generated anew.

    Raises BadRequestError, NotFoundError and ClientError.
    """
    request = json_request("PUT", _sink_path(sink_id), _body(kind, name, settings))
    return decode_record(await send(session, request), _secret_decoder)


async def delete_alert_sink(session: Session, sink_id: str) -> None:
    """Delete an alert sink. Raises NotFoundError, ClientError."""
    await send(session, Request("DELETE", _sink_path(sink_id), is_idempotent=True))


async def test_alert_sink(session: Session, sink_id: str) -> SinkTest:
    """Send a test notification, and return whether it arrived. Raises NotFoundError, ClientError."""
    request = Request("POST", f"{_sink_path(sink_id)}/test")
    return decode_record(await send(session, request), _test_decoder)


def _body(kind: str, name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return given_fields({"kind": kind, "name": name, "settings": settings})


def _sink_path(sink_id: str) -> str:
    return item_path(SINKS_PATH, sink_id, "sink_id", "the id of a sink")
