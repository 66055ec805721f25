"""Removal of a tenant by the admin API, and the count of what it would remove."""

import asyncio
from typing import Final

from litestar import delete, get

from calltally.calls.errors import InvalidInput
from calltally.calls.parameters import Parameter, read_values
from calltally.logs import get_logger
from calltally.store.maintenance.tenant_removal import begin_removal, count_tenant_rows, need_stored_tenant
from calltally.web.api.admin.operations import LIST_KEYS, TAG
from calltally.web.api.admin.schemas import TENANT_SCHEMA, TenantContents
from calltally.web.openapi.operation import Operation, one_response
from calltally.web.request.access import ADMIN
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.paths import last_segment, segment_after
from calltally.web.request.query import query_pairs
from calltally.web.response.response import Response

_CONFIRM: Final = Parameter(
    *("confirm", "confirm", "The id of the tenant once more, so that nothing is removed by mistake."),
    {"type": "string", **TENANT_SCHEMA},
    "acme",
    str,
    required=True,
)

GET_CONTENTS: Final = Operation(
    id="getTenantContents",
    tag=TAG,
    summary="Count what is stored of a tenant.",
    description="The dry run of `removeTenant`: the number of rows that it would remove. It reads every row,"
    " which takes seconds for millions of calls.",
    scope=ADMIN,
    path=LIST_KEYS.path,
    responses=one_response(
        200,
        "The number of rows by table.",
        TenantContents,
        {"tenant": "acme", "rows": {"calls": 20112, "facts": 84390, "api_keys": 2}},
    ),
    problems=("not-found",),
)
REMOVE_TENANT: Final = Operation(
    id="removeTenant",
    tag=TAG,
    summary="Remove a tenant with everything that is stored of it.",
    description="This cannot be undone. The tenant's keys, callbacks and deliveries stop with the response,"
    " in other processes within five seconds. The worker then removes the rows in small batches, and the"
    " files of jobs. Repeat the request to see whether that is finished: the answer is then `not-found`,"
    " and a tenant with this id can be created again.",
    scope=ADMIN,
    path=LIST_KEYS.path,
    query=(_CONFIRM,),
    responses=one_response(204, "The tenant is inaccessible, and its data are being removed."),
    problems=("not-found",),
)

log: Final = get_logger(__name__)


@get("/api/v1/admin/tenants/{tenant:str}/contents", operation=GET_CONTENTS)
async def get_contents(request: AnyRequest) -> Response:
    tenant = segment_after(request, "tenants")
    rows = await dependencies_of(request).store.read(count_tenant_rows(tenant), long=True)
    return Response.json(TenantContents(tenant, rows))


@delete("/api/v1/admin/tenants/{tenant:str}", operation=REMOVE_TENANT, status_code=200)
async def delete_tenant(request: AnyRequest) -> Response:
    """Begin the removal of a tenant, effective at once in this process."""
    deps, tenant = dependencies_of(request), last_segment(request, "tenants")
    values = read_values(query_pairs(request.scope["query_string"]), {_CONFIRM.name: _CONFIRM})
    await deps.store.read(need_stored_tenant(tenant))
    check_confirmation(values.get("confirm"), tenant)
    now_us = deps.clock()
    if deps.erasures is not None:
        await asyncio.to_thread(deps.erasures.add_tenant, tenant, now_us)
    await deps.store.write(begin_removal(tenant, now_us))
    log.info("removal of a tenant began", tenant=tenant)
    deps.keys.forget_tenant(tenant)
    deps.intake.invalidate(tenant)
    return Response.empty()


def check_confirmation(confirm: str | None, tenant: str) -> None:
    """Raise InvalidInput if the id of the tenant was not repeated."""
    if confirm != tenant:
        message = (
            "nothing was removed: repeat the id of the tenant as confirm, to remove all its data for good"
        )
        raise InvalidInput.of("confirm", message)
