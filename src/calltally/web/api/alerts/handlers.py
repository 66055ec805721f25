"""`/api/v1/alerts` and `/api/v1/alert-rules`: alerts, their lifecycle and their rules."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from litestar import get, post, put

from calltally.alerts.evaluation.evaluator import rules_or_defaults
from calltally.alerts.model.rules import rules_as_values, rules_of
from calltally.calls.errors import InvalidBody, InvalidInput
from calltally.calls.list_query import DEFAULT_LIMIT
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
from calltally.web.request.context import AnyRequest, access_of, dependencies_of, link_base, tenant_of
from calltally.web.request.paths import id_after
from calltally.web.response.paging import list_response
from calltally.web.response.response import Response

_ONE: Final = PATH + "/{id:str}"
_RULES: Final = "/api/v1/alert-rules"
# The range of microseconds that a database column can hold.
_ALL_TIMES: Final = {"lo_us": -(2**62), "hi_us": 2**62}
_PARAMETERS_BY_NAME: Final = {each.name: each for each in operations.PARAMETERS}


@get(PATH, operation=operations.LIST)
async def get_alerts(request: AnyRequest) -> Response:
    wanted = alert_filter(pairs_without_tenant(request))
    found: list[Alert]
    found, total = await dependencies_of(request).store.read(list_alerts(tenant_of(request), wanted))
    data = [alert_resource(alert, link_base(request)) for alert in found]
    page = {"limit": wanted.limit, "offset": wanted.offset}
    return list_response(request, AlertList, data, page, total)


def alert_filter(pairs: Sequence[tuple[str, str]]) -> AlertFilter:
    """Parse the filters of the list. Raises InvalidInput with every error in it."""
    values = read_values(pairs, _PARAMETERS_BY_NAME)
    return AlertFilter(**{"limit": DEFAULT_LIMIT, "offset": 0, **_ALL_TIMES, **values})


@get(_ONE, operation=operations.READ)
async def get_alert(request: AnyRequest) -> Response:
    alert, history = await dependencies_of(request).store.read(
        alert_with_changes(tenant_of(request), id_after(request, "alerts"))
    )
    return Response.json(alert_with_history(alert, history, link_base(request)))


@post(_ONE + "/acknowledge", operation=operations.ACKNOWLEDGE, status_code=200)
async def post_acknowledge(request: AnyRequest) -> Response:
    by = change_by(request, AlertEvent.ACKNOWLEDGED, await _note(request))
    return await _change_alert(request, lambda tenant, alert: acknowledge(tenant, alert, by))


@post(_ONE + "/resolve", operation=operations.RESOLVE, status_code=200)
async def post_resolve(request: AnyRequest) -> Response:
    by = change_by(request, AlertEvent.RESOLVED, await _note(request))
    return await _change_alert(request, lambda tenant, alert: resolve(tenant, alert, by))


@post(_ONE + "/mute", operation=operations.MUTE, status_code=200)
async def post_mute(request: AnyRequest) -> Response:
    body = await json_body(request, MuteBody)
    until_us = None if body.until is None else _until_us(body.until, dependencies_of(request).clock())
    what = AlertEvent.UNMUTED if until_us is None else AlertEvent.MUTED
    by = change_by(request, what, body.note)
    return await _change_alert(request, lambda tenant, alert: mute(tenant, alert, until_us, by))


@get(_RULES, operation=operations.READ_RULES)
async def get_rules(request: AnyRequest) -> Response:
    stored = await dependencies_of(request).store.read(rules_of_tenant(tenant_of(request)))
    return Response.json(rules_as_values(rules_or_defaults(stored)))


@put(_RULES, operation=operations.PUT_RULES, status_code=200)
async def put_alert_rules(request: AnyRequest) -> Response:
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
    alert = await deps.store.write(operation(tenant, id_after(request, "alerts")))
    _, history = await deps.store.read(alert_with_changes(tenant, alert.alert))
    return Response.json(alert_with_history(alert, history, link_base(request)))


def alert_with_changes(tenant: str, alert_id: bytes) -> StoreOperation[tuple[Alert, list[StoredAlertChange]]]:
    """Return an alert and its changes. Raises NotFound."""
    alert = yield from need_alert(tenant, alert_id)
    return alert, (yield from alert_history(tenant, alert_id))


def change_by(request: AnyRequest, what: AlertEvent, note: str | None) -> StoredAlertChange:
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
