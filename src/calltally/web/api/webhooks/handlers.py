"""`/api/v1/webhook-endpoints`: webhook endpoints of a tenant."""

import secrets
from typing import Final

from litestar import delete, get, post, put

from calltally.calls.errors import InvalidBody
from calltally.calls.identity import uuid_text
from calltally.calls.times import SECOND_US
from calltally.net.standard_webhooks import SECRET_BYTES, format_secret
from calltally.store.db.operation import StoreOperation
from calltally.store.webhooks.endpoints import (
    Endpoint,
    add_endpoint,
    change_endpoint,
    delete_endpoint,
    endpoints_of,
    need_endpoint,
    pause_endpoint,
    resume_endpoint,
    rotate_secret,
    seal_secret,
)
from calltally.web.api.webhooks import operations
from calltally.web.api.webhooks.checks import checked_endpoint
from calltally.web.api.webhooks.schemas import (
    MAX_GRACE_HOURS,
    PATH,
    EndpointBody,
    RotationBody,
    WebhookEndpointList,
    endpoint_resource,
    new_endpoint_resource,
)
from calltally.web.request.bodies import json_body
from calltally.web.request.context import AnyRequest, dependencies_of, tenant_of
from calltally.web.request.paths import id_after
from calltally.web.response.response import Response

ONE: Final = PATH + "/{id:str}"
_HOUR_US: Final = 3600 * SECOND_US
PAUSED_BY_REQUEST: Final = "paused by request"


@post(PATH, operation=operations.ADD, status_code=200)
async def add(request: AnyRequest) -> Response:
    added, secret = await new_endpoint(request, await json_body(request, EndpointBody))
    base = dependencies_of(request).public_url or ""
    location = f"{base}{PATH}/{uuid_text(added.endpoint)}".encode()
    return Response.json(new_endpoint_resource(added, secret), status=201, headers=((b"location", location),))


async def new_endpoint(request: AnyRequest, body: EndpointBody) -> tuple[Endpoint, str]:
    """Create an endpoint with a new secret. Raises the errors of `checked_endpoint`."""
    wanted, deps, tenant = checked_endpoint(request, body), dependencies_of(request), tenant_of(request)
    endpoint, secret = secrets.token_bytes(16), _new_secret()
    sealed = seal_secret(deps.vault, tenant, endpoint, secret)
    added: Endpoint = await deps.store.write(add_endpoint(tenant, endpoint, wanted, sealed, deps.clock()))
    return added, secret


@get(PATH, operation=operations.LIST)
async def list_all(request: AnyRequest) -> Response:
    """List all endpoints without pages: a tenant has few."""
    found = await dependencies_of(request).store.read(endpoints_of(tenant_of(request)))
    return Response.json(WebhookEndpointList([endpoint_resource(each) for each in found]))


@get(ONE, operation=operations.READ)
async def read(request: AnyRequest) -> Response:
    found: Endpoint = await dependencies_of(request).store.read(
        need_endpoint(tenant_of(request), endpoint_id(request))
    )
    return Response.json(endpoint_resource(found))


@put(ONE, operation=operations.CHANGE)
async def change(request: AnyRequest) -> Response:
    wanted = checked_endpoint(request, await json_body(request, EndpointBody))
    return await _changed(
        request,
        change_endpoint(tenant_of(request), endpoint_id(request), wanted, dependencies_of(request).clock()),
    )


@delete(ONE, operation=operations.DELETE, status_code=200)
async def remove(request: AnyRequest) -> Response:
    """Delete an endpoint. Maintenance deletes its deliveries later."""
    deps = dependencies_of(request)
    await deps.store.write(delete_endpoint(tenant_of(request), endpoint_id(request), deps.clock()))
    return Response.empty()


@post(ONE + "/rotate", operation=operations.ROTATE, status_code=200)
async def rotate(request: AnyRequest) -> Response:
    """Create a new secret. Deliveries are signed with both secrets during the grace period."""
    body = await json_body(request, RotationBody)
    if not 0 <= body.grace_hours <= MAX_GRACE_HOURS:
        raise InvalidBody.of("grace_hours", f"grace_hours must be from 0 to {MAX_GRACE_HOURS}")
    found, secret = await rotated_endpoint(request, endpoint_id(request), int(body.grace_hours))
    return Response.json(new_endpoint_resource(found, secret))


async def rotated_endpoint(request: AnyRequest, endpoint: bytes, grace_hours: int) -> tuple[Endpoint, str]:
    """Give an endpoint a new secret, and return both. Raises NotFound."""
    deps, tenant, secret = dependencies_of(request), tenant_of(request), _new_secret()
    now_us = deps.clock()
    sealed = seal_secret(deps.vault, tenant, endpoint, secret)
    until_us = now_us + grace_hours * _HOUR_US
    found: Endpoint = await deps.store.write(rotate_secret(tenant, endpoint, sealed, until_us, now_us))
    return found, secret


@post(ONE + "/pause", operation=operations.PAUSE, status_code=200)
async def pause(request: AnyRequest) -> Response:
    clock = dependencies_of(request).clock
    return await _changed(
        request, pause_endpoint(tenant_of(request), endpoint_id(request), PAUSED_BY_REQUEST, clock())
    )


@post(ONE + "/resume", operation=operations.RESUME, status_code=200)
async def resume(request: AnyRequest) -> Response:
    clock = dependencies_of(request).clock
    return await _changed(request, resume_endpoint(tenant_of(request), endpoint_id(request), clock()))


async def _changed(request: AnyRequest, operation: StoreOperation[Endpoint]) -> Response:
    found: Endpoint = await dependencies_of(request).store.write(operation)
    return Response.json(endpoint_resource(found))


def _new_secret() -> str:
    return format_secret(secrets.token_bytes(SECRET_BYTES))


def endpoint_id(request: AnyRequest) -> bytes:
    return id_after(request, "webhook-endpoints")
