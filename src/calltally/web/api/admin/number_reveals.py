"""Reveals of full telephone numbers of masking tenants, for the admin key."""

from typing import Final

import msgspec
from litestar import get

from calltally.calls.identity import uuid_text
from calltally.calls.parameters import read_values
from calltally.calls.times import utc_text
from calltally.calls.wire_types import Timestamp, UuidText
from calltally.store.tenants.tenants import need_tenant, reveals_of_tenant
from calltally.web.api.admin.operations import LIST_KEYS, TAG
from calltally.web.openapi.operation import Operation, one_response
from calltally.web.request.access import ADMIN
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.paths import segment_after
from calltally.web.request.query import query_pairs
from calltally.web.response.paging import page_parameters
from calltally.web.response.response import Response

_DEFAULT_LIMIT: Final = 100
_MAX_LIMIT: Final = 1_000
_LIMIT: Final = page_parameters("reveals", most=_MAX_LIMIT, default=_DEFAULT_LIMIT)[0]


class NumberReveal(msgspec.Struct, frozen=True):
    """One reveal of full numbers. `key_id` is `admin` for the admin key."""

    at: Timestamp
    key_id: str
    call_id: UuidText


class NumberRevealList(msgspec.Struct, frozen=True):
    """The latest reveals, newest first."""

    data: list[NumberReveal]


LIST_REVEALS: Final = Operation(
    id="listReveals",
    tag=TAG,
    summary="List the reveals of a tenant's full numbers.",
    description="Reveals on call pages while the tenant masks its numbers. API requests with `pii:read` are"
    " not listed.",
    scope=ADMIN,
    path=LIST_KEYS.path,
    query=(_LIMIT,),
    responses=one_response(
        200,
        "The latest reveals, newest first.",
        NumberRevealList,
        {
            "data": [
                {
                    "at": "2026-10-01T09:30:00.000000Z",
                    "key_id": "key_3f1c9a7be24d5068",
                    "call_id": "550e8400-e29b-81d4-a716-446655440000",
                }
            ]
        },
    ),
    problems=("not-found",),
)


@get("/api/v1/admin/tenants/{tenant:str}/reveals", operation=LIST_REVEALS)
async def get_reveals(request: AnyRequest) -> Response:
    values = read_values(query_pairs(request.scope["query_string"]), {_LIMIT.name: _LIMIT})
    store, tenant = dependencies_of(request).store, segment_after(request, "tenants")
    await store.read(need_tenant(tenant))
    found = await store.read(reveals_of_tenant(tenant, values.get("limit", _DEFAULT_LIMIT)))
    data = [NumberReveal(utc_text(each.at_us), each.key_id, uuid_text(each.call_id)) for each in found]
    return Response.json(NumberRevealList(data))
