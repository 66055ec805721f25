"""`/api/v1/alert-sinks`: sinks for notifications of alerts.

Settings are stored encrypted; a secret is shown once.
"""

import os
from typing import Any, Final
from uuid import uuid4

import msgspec
from litestar import delete, get, post, put

from calltally.alerts.notify.notification import test_notification_of
from calltally.alerts.notify.notifier import NotifierDependencies, send_notification, sink_seal_name
from calltally.alerts.notify.sink_kinds import WEBHOOK, check_settings, public_settings
from calltally.calls.errors import CalltallyError, InvalidBody, InvalidInput
from calltally.calls.identity import uuid_text
from calltally.store.alerts.sinks import (
    StoredAlertSink,
    add_sink,
    change_sink,
    drop_sink,
    list_sinks,
    need_sink,
    save_sink_result,
)
from calltally.web.api.alerts import operations
from calltally.web.api.alerts.schemas import (
    AlertSinkList,
    SinkBody,
    SinkTestResult,
    new_sink_resource,
    sink_resource,
)
from calltally.web.auth.admission import check_scope
from calltally.web.request.access import CALLS_READ
from calltally.web.request.bodies import json_body
from calltally.web.request.context import AnyRequest, access_of, dependencies_of, tenant_of
from calltally.web.request.paths import id_after
from calltally.web.response.response import Response

PATH: Final = "/api/v1/alert-sinks"
_ONE: Final = PATH + "/{id:str}"
_SECRET_BYTES: Final = 32


@post(PATH, operation=operations.ADD_SINK)
async def post_sink(request: AnyRequest) -> Response:
    deps, tenant = dependencies_of(request), tenant_of(request)
    sink, secret = await sealed_sink(request, uuid4().bytes, await json_body(request, SinkBody))
    added = await deps.store.write(add_sink(tenant, sink, deps.clock()))
    return Response.json(new_sink_resource(added, secret), status=201)


@get(PATH, operation=operations.LIST_SINKS)
async def get_sinks(request: AnyRequest) -> Response:
    sinks = await dependencies_of(request).store.read(list_sinks(tenant_of(request)))
    return Response.json(AlertSinkList([sink_resource(sink) for sink in sinks]))


@get(_ONE, operation=operations.READ_SINK)
async def get_sink(request: AnyRequest) -> Response:
    return Response.json(sink_resource(await _sink(request)))


@put(_ONE, operation=operations.PUT_SINK, status_code=200)
async def put_alert_sink(request: AnyRequest) -> Response:
    deps, stored = dependencies_of(request), await _sink(request)
    sink, secret = await sealed_sink(request, stored.sink, await json_body(request, SinkBody))
    changed = await deps.store.write(change_sink(tenant_of(request), sink, deps.clock()))
    return Response.json(new_sink_resource(changed, secret))


@delete(_ONE, operation=operations.DELETE_SINK, status_code=200)
async def delete_sink(request: AnyRequest) -> Response:
    await dependencies_of(request).store.write(
        drop_sink(tenant_of(request), id_after(request, "alert-sinks"))
    )
    return Response.empty()


@post(_ONE + "/test", operation=operations.TEST_SINK, status_code=200)
async def post_test(request: AnyRequest) -> Response:
    return Response.json(await test_sink(request, await _sink(request)))


async def test_sink(request: AnyRequest, sink: StoredAlertSink) -> SinkTestResult:
    """Send a test. A failed notification is a result, not an error of this request."""
    deps, tenant = dependencies_of(request), tenant_of(request)
    now_us, base = deps.clock(), deps.public_url or ""
    transports = NotifierDependencies(deps.outgoing, deps.send_mail, lambda: deps.vault, base)
    notification = test_notification_of(tenant, uuid_text(sink.sink), now_us, base)
    try:
        fault = await send_notification(transports, tenant, sink, notification, now_us)
    except CalltallyError as error:
        fault = error.detail
    await deps.store.write(save_sink_result(tenant, sink.sink, now_us if fault is None else None, fault))
    return SinkTestResult(fault is None, fault)


async def sealed_sink(request: AnyRequest, sink: bytes, body: SinkBody) -> tuple[StoredAlertSink, str | None]:
    """Return the encrypted sink of the body, and the secret of a webhook sink. Raises Forbidden."""
    check_scope(access_of(request), CALLS_READ, "a sink receives details of calls")
    try:
        settings = check_settings(body.kind, body.settings, os.urandom(_SECRET_BYTES))
        _check_url(request, settings)
    except InvalidInput as fault:
        raise InvalidBody(fault.detail, fault.faults) from fault
    sealed = dependencies_of(request).vault.seal(
        tenant_of(request), sink_seal_name(sink), {"settings": msgspec.json.encode(settings).decode()}
    )
    visible_settings = msgspec.json.encode(public_settings(body.kind, settings))
    secret = settings["secret"] if body.kind == WEBHOOK else None
    return StoredAlertSink(sink, body.kind, body.name, visible_settings, sealed), secret


def _check_url(request: AnyRequest, settings: dict[str, Any]) -> None:
    if "url" in settings:
        try:
            dependencies_of(request).outgoing.check(settings["url"])
        except ValueError as fault:
            raise InvalidInput.of("url", f"the URL is refused: {fault}") from fault


async def _sink(request: AnyRequest) -> StoredAlertSink:
    return await dependencies_of(request).store.read(
        need_sink(tenant_of(request), id_after(request, "alert-sinks"))
    )
