"""`/api/v1/alerts` and `/api/v1/alert-rules`: alerts, their lifecycle and their rules."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from litestar import get, post, put
from litestar.handlers import HTTPRouteHandler

from calltally.alerts.evaluation.evaluator import rules_or_defaults
from calltally.alerts.model.rules import rules_as_values, rules_of
from calltally.calls.errors import InvalidBody, InvalidInput
from calltally.calls.identity import parse_uuid
from calltally.calls.parameters import read_values
from calltally.calls.times import parse_instant
from calltally.store.alerts.alerts import (
    Alert,
    AlertEvent,
    AlertFilter,
    StoredAlertChange,
    acknowledge,
    alert_history,
    list_alerts,
    mute,
    need_alert,
    resolve,
)
from calltally.store.alerts.detector_state import put_rules, rules_of_tenant
from calltally.store.db.operation import StoreOperation
from calltally.web.api.alerts import operations
from calltally.web.api.alerts.schemas import (
    PATH,
    AlertList,
    MuteBody,
    NoteBody,
    alert_resource,
    alert_with_history,
)
from calltally.web.auth.admission import pairs_without_tenant
from calltally.web.request.bodies import decode_body, json_body
from calltally.web.request.context import AnyRequest, access_of, dependencies_of, tenant_of
from calltally.web.request.paths import segment_after
from calltally.web.response.link_header import PageWindow, link_header
from calltally.web.response.response import Response

_ONE: Final = PATH + "/{id:str}"
_RULES: Final = "/api/v1/alert-rules"
# The range of microseconds that a database column can hold.
_ALL_TIMES: Final = {"lo_us": -(2**62), "hi_us": 2**62}
_PARAMETERS_BY_NAME: Final = {each.name: each for each in operations.PARAMETERS}


@get(PATH, operation=operations.LIST)
async def get_alerts(request: AnyRequest) -> Response:
    """List alerts, newest first, with an exact total."""
    values = {"limit": operations.DEFAULT_LIMIT, "offset": 0, **_ALL_TIMES}
    wanted = AlertFilter(**{**values, **read_values(pairs_without_tenant(request), _PARAMETERS_BY_NAME)})
    found: list[Alert]
    found, total = await dependencies_of(request).store.read(list_alerts(tenant_of(request), wanted))
    data = [alert_resource(alert, _base(request)) for alert in found]
    link = link_header(request, PageWindow(wanted.limit, wanted.offset, total))
    return Response.json(AlertList(data, wanted.limit, wanted.offset, total), headers=(link,))


@get(_ONE, operation=operations.READ)
async def get_alert(request: AnyRequest) -> Response:
    """Return one alert of the tenant."""
    alert, history = await dependencies_of(request).store.read(
        _with_history(tenant_of(request), _id(request))
    )
    return Response.json(alert_with_history(alert, history, _base(request)))


@post(_ONE + "/acknowledge", operation=operations.ACKNOWLEDGE, status_code=200)
async def post_acknowledge(request: AnyRequest) -> Response:
    """Acknowledge an alert with the key of the request."""
    by = _change(request, AlertEvent.ACKNOWLEDGED, await _note(request))
    return await _change_alert(request, lambda tenant, alert: acknowledge(tenant, alert, by))


@post(_ONE + "/resolve", operation=operations.RESOLVE, status_code=200)
async def post_resolve(request: AnyRequest) -> Response:
    """Resolve an alert with the key of the request."""
    by = _change(request, AlertEvent.RESOLVED, await _note(request))
    return await _change_alert(request, lambda tenant, alert: resolve(tenant, alert, by))


@post(_ONE + "/mute", operation=operations.MUTE, status_code=200)
async def post_mute(request: AnyRequest) -> Response:
    """Mute an alert until a future time."""
    body = await json_body(request, MuteBody)
    until_us = None if body.until is None else _until_us(body.until, dependencies_of(request).clock())
    what = AlertEvent.UNMUTED if until_us is None else AlertEvent.MUTED
    by = _change(request, what, body.note)
    return await _change_alert(request, lambda tenant, alert: mute(tenant, alert, until_us, by))


@get(_RULES, operation=operations.READ_RULES)
async def get_rules(request: AnyRequest) -> Response:
    """Return the rules without defaults."""
    stored = await dependencies_of(request).store.read(rules_of_tenant(tenant_of(request)))
    return Response.json(rules_as_values(rules_or_defaults(stored)))


@put(_RULES, operation=operations.PUT_RULES, status_code=200)
async def put_alert_rules(request: AnyRequest) -> Response:
    """Set the rules, effective from the next five-minute step."""
    deps = dependencies_of(request)
    values = await json_body(request, dict[str, Any])
    try:
        rules = rules_as_values(rules_of(values))
    except InvalidInput as fault:
        raise InvalidBody(fault.detail, fault.faults) from fault
    await deps.store.write(put_rules(tenant_of(request), msgspec.json.encode(rules), deps.clock()))
    return Response.json(rules)


async def _change_alert(
    request: AnyRequest, operation: Callable[[str, bytes], StoreOperation[Alert]]
) -> Response:
    deps, tenant = dependencies_of(request), tenant_of(request)
    alert = await deps.store.write(operation(tenant, _id(request)))
    _, history = await deps.store.read(_with_history(tenant, alert.alert))
    return Response.json(alert_with_history(alert, history, _base(request)))


def _with_history(tenant: str, alert_id: bytes) -> StoreOperation[tuple[Alert, list[StoredAlertChange]]]:
    alert = yield from need_alert(tenant, alert_id)
    return alert, (yield from alert_history(tenant, alert_id))


def _change(request: AnyRequest, what: AlertEvent, note: str | None) -> StoredAlertChange:
    return StoredAlertChange(0, dependencies_of(request).clock(), what, access_of(request).key_id, note)


async def _note(request: AnyRequest) -> str | None:
    """Return the note; the body is optional."""
    body = await request.body()
    return decode_body(body, NoteBody).note if body else None


def _until_us(text: str, now_us: int) -> int:
    try:
        until_us = parse_instant(text)
    except ValueError as fault:
        raise InvalidBody.of("until", f"until is {text[:80]!r}: {fault}") from fault
    if until_us <= now_us:
        raise InvalidBody.of("until", "until must be in the future; send null to end a mute")
    return until_us


def _id(request: AnyRequest) -> bytes:
    return parse_uuid(segment_after(request, "alerts")) or b""


def _base(request: AnyRequest) -> str:
    return dependencies_of(request).public_url or ""


ALERT_HANDLERS: Final[tuple[HTTPRouteHandler, ...]] = (
    get_alerts,
    get_alert,
    post_acknowledge,
    post_resolve,
    post_mute,
    get_rules,
    put_alert_rules,
)
