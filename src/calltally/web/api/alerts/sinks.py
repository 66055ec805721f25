"""`/api/v1/alert-sinks`: sinks for notifications of alerts.

Settings are stored encrypted; a secret is shown once.
"""

import os
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import delete, get, post, put
from litestar.handlers import HTTPRouteHandler

from calltally.alerts.notify.notification import test_notification_of
from calltally.alerts.notify.notifier import NotifierDependencies, send_notification, sink_seal_name
from calltally.alerts.notify.sink_kinds import WEBHOOK, check_settings, public_settings
from calltally.calls.errors import CalltallyError, InvalidBody, InvalidInput
from calltally.calls.identity import parse_uuid, uuid_text
from calltally.store.alerts.sinks import (
    StoredAlertSink,
    add_sink,
    change_sink,
    drop_sink,
    list_sinks,
    need_sink,
    save_sink_result,
)
from calltally.web.api.alerts import sink_operations as operations
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
from calltally.web.request.paths import segment_after
from calltally.web.response.response import Response

PATH: Final = "/api/v1/alert-sinks"
_ONE: Final = PATH + "/{id:str}"
_ID_BYTES: Final = 16
_SECRET_BYTES: Final = 32
_URLS: Final = ("url",)


@post(PATH, operation=operations.ADD)
async def post_sink(request: AnyRequest) -> Response:
    """Create a sink with a random id."""
    deps, tenant = dependencies_of(request), tenant_of(request)
    sink, secret = await _sealed_sink(request, _new_id())
    added = await deps.store.write(add_sink(tenant, sink, deps.clock()))
    return Response.json(new_sink_resource(added, secret), status=201)


@get(PATH, operation=operations.LIST)
async def get_sinks(request: AnyRequest) -> Response:
    """List the sinks without secrets."""
    sinks = await dependencies_of(request).store.read(list_sinks(tenant_of(request)))
    return Response.json(AlertSinkList([sink_resource(sink) for sink in sinks]))


@get(_ONE, operation=operations.READ)
async def get_sink(request: AnyRequest) -> Response:
    """Return one sink of the tenant."""
    return Response.json(sink_resource(await _sink(request)))


@put(_ONE, operation=operations.PUT, status_code=200)
async def put_alert_sink(request: AnyRequest) -> Response:
    """Replace the settings of a sink."""
    deps, stored = dependencies_of(request), await _sink(request)
    sink, secret = await _sealed_sink(request, stored.sink)
    changed = await deps.store.write(change_sink(tenant_of(request), sink, deps.clock()))
    return Response.json(new_sink_resource(changed, secret))


# The framework does not let a handler declared as 204 return a Response, so this declares 200. The Response
# itself has status 204.
@delete(_ONE, operation=operations.DELETE, status_code=200)
async def delete_sink(request: AnyRequest) -> Response:
    """Delete a sink with its queued notifications."""
    await dependencies_of(request).store.write(drop_sink(tenant_of(request), _id(request)))
    return Response.empty()


@post(_ONE + "/test", operation=operations.TEST, status_code=200)
async def post_test(request: AnyRequest) -> Response:
    """Send a test. A failed notification is a result, not an error of this request."""
    deps, tenant, sink = dependencies_of(request), tenant_of(request), await _sink(request)
    now_us, base = deps.clock(), deps.public_url or ""
    transports = NotifierDependencies(deps.outgoing, deps.send_mail, lambda: deps.vault, base)
    notification = test_notification_of(tenant, uuid_text(sink.sink), now_us, base)
    try:
        fault = await send_notification(transports, tenant, sink, notification, now_us)
    except CalltallyError as error:
        fault = error.detail
    await deps.store.write(save_sink_result(tenant, sink.sink, now_us if fault is None else None, fault))
    return Response.json(SinkTestResult(fault is None, fault))


async def _sealed_sink(request: AnyRequest, sink: bytes) -> tuple[StoredAlertSink, str | None]:
    """Return the encrypted sink of the body, and the secret of a webhook sink. Raises Forbidden."""
    check_scope(access_of(request), CALLS_READ, "a sink receives details of calls")
    body = await json_body(request, SinkBody)
    try:
        settings = check_settings(body.kind, body.settings, os.urandom(_SECRET_BYTES))
        _check_urls(request, settings)
    except InvalidInput as fault:
        raise InvalidBody(fault.detail, fault.faults) from fault
    sealed = dependencies_of(request).vault.seal(
        tenant_of(request), sink_seal_name(sink), {"settings": msgspec.json.encode(settings).decode()}
    )
    visible_settings = msgspec.json.encode(public_settings(body.kind, settings))
    secret = settings["secret"] if body.kind == WEBHOOK else None
    return StoredAlertSink(sink, body.kind, body.name, visible_settings, sealed), secret


def _check_urls(request: AnyRequest, settings: dict[str, Any]) -> None:
    for name in _URLS:
        if name in settings:
            try:
                dependencies_of(request).outgoing.check(settings[name])
            except ValueError as fault:
                raise InvalidInput.of(name, f"the URL is refused: {fault}") from fault


async def _sink(request: AnyRequest) -> StoredAlertSink:
    return await dependencies_of(request).store.read(need_sink(tenant_of(request), _id(request)))


def _id(request: AnyRequest) -> bytes:
    return parse_uuid(segment_after(request, "alert-sinks")) or b""


def _new_id() -> bytes:
    """Return 16 random bytes as a UUID of version 4 (RFC 9562)."""
    return UUID(bytes=os.urandom(_ID_BYTES), version=4).bytes


SINK_HANDLERS: Final[tuple[HTTPRouteHandler, ...]] = (
    post_sink,
    get_sinks,
    get_sink,
    put_alert_sink,
    delete_sink,
    post_test,
)
