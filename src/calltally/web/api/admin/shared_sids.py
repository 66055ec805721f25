"""`GET /api/v1/admin/shared-sids`: SIDs that several tenants or accounts share, for the admin key."""

from typing import Any, Final

import msgspec
from litestar import get

from calltally.alerts.conditions.shared_sids import MAX_CALLS, MAX_SIDS, SharedSid, shared_sids
from calltally.calls.times import utc_text
from calltally.calls.wire_types import Timestamp
from calltally.store.tenants.tenants import admin_list_tenants
from calltally.web.api.admin.operations import TAG
from calltally.web.api.admin.window_parameters import WINDOW_PARAMETERS, requested_window
from calltally.web.openapi.operation import Operation, one_response
from calltally.web.request.access import ADMIN
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.response.response import Response

_CALL: Final[dict[str, Any]] = {
    "tenant": "acme",
    "id": "0b6f7f0a-5f57-8c1e-9a35-2f8f7d1c2b3a",
    "status": "completed",
    "direction": "inbound",
    "created_at": "2026-10-01T09:30:00.000000Z",
    "provider": "twilio",
    "provider_account": "AC00000000000000000000000000000001",
}
_OTHER: Final = {**_CALL, "tenant": "cobalt", "id": "7d3c2f04-91aa-8f0e-b1c4-55a0f2a7c911"}
_EXAMPLE: Final[dict[str, Any]] = {
    "from": "2026-10-01T00:00:00.000000Z",
    "to": "2026-10-02T00:00:00.000000Z",
    "data": [{"call_sid": "CA00000000000000000000000000000001", "calls": [_CALL, _OTHER], "accounts": []}],
    "has_more": False,
}


class SharedSidList(msgspec.Struct, frozen=True):
    """The shared SIDs of a window. `has_more`: more SIDs of several tenants exist than the list contains."""

    from_: Timestamp = msgspec.field(name="from")
    to: Timestamp
    data: list[SharedSid]
    has_more: bool


SHARED_SIDS: Final = Operation(
    id="listSharedSids",
    tag=TAG,
    summary="List SIDs that several tenants, or several accounts of one provider, share.",
    description="A provider gives a SID to one call of one account. If two tenants have it, one of them"
    " receives callbacks for calls of the other: check the callback URLs at its provider. Tenants"
    f" never see this list. It has up to {MAX_SIDS} SIDs of several tenants with 20 characters and"
    f" more, because shorter ones collide by chance. Accounts are compared among the first {MAX_CALLS}"
    " calls of each tenant.",
    scope=ADMIN,
    query=WINDOW_PARAMETERS,
    responses=one_response(200, "The shared SIDs.", SharedSidList, _EXAMPLE),
)


@get("/api/v1/admin/shared-sids", operation=SHARED_SIDS)
async def get_shared_sids(request: AnyRequest) -> Response:
    """List the shared SIDs. Tenants are read one by one, in threads: a window may have very many calls."""
    deps = dependencies_of(request)
    window = requested_window(request, deps.clock())
    tenants = [each.tenant for each in await deps.store.read(admin_list_tenants())]
    found = await shared_sids(deps.store, tenants, window)
    has_more = sum(len(each.calls) > 1 for each in found) >= MAX_SIDS
    return Response.json(SharedSidList(utc_text(window.from_us), utc_text(window.to_us), found, has_more))
