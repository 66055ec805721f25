"""`GET /api/v1/admin/shared-sids`: SIDs of several tenants or accounts, for whoever has the admin key."""

from typing import Any, Final

import msgspec
from litestar import get

from calltally.alerts.conditions.shared_sids import MAX_CALLS, MAX_SIDS, SharedSid, shared_sids
from calltally.calls.errors import InvalidInput
from calltally.calls.parameters import Parameter, instant_value, read_values
from calltally.calls.times import DAY_US, utc_text
from calltally.calls.windows import TimeWindow
from calltally.store.tenants.tenants import admin_list_tenants
from calltally.web.api.admin.operations import TAG
from calltally.web.openapi.operation import Operation, ResponseSpec
from calltally.web.request.access import ADMIN
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.query import query_pairs
from calltally.web.response.response import Response

_LONGEST_DAYS: Final = 31
_INSTANT: Final = {"type": "string", "format": "date-time"}
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
    """The SIDs of a window; `has_more` where there are more of several tenants than are told."""

    from_: str = msgspec.field(name="from")
    to: str
    data: list[SharedSid]
    has_more: bool


_PARAMETERS: Final = (
    Parameter(
        *("from", "from_us", "Of calls created at or after this; a day before `to` if left out."),
        *(_INSTANT, "2026-10-01T00:00:00Z", instant_value),
    ),
    Parameter(
        *("to", "to_us", f"Of calls created before this; now if left out. At most {_LONGEST_DAYS} days."),
        *(_INSTANT, "2026-10-02T00:00:00Z", instant_value),
    ),
)
_KNOWN: Final = {each.name: each for each in _PARAMETERS}

SHARED_SIDS: Final = Operation(
    id="listSharedSids",
    tag=TAG,
    summary="SIDs that several tenants have, or of which several accounts of one provider told.",
    description="A provider gives a SID to one call of one account. One that two tenants have means that one of"
    " them is told of calls that are not its own: look where its provider sends callbacks. No tenant is ever"
    f" shown this. Up to {MAX_SIDS} SIDs of several tenants, of 20 characters and more, since shorter ones"
    f" are equal by chance; accounts are compared among the first {MAX_CALLS} calls of each tenant.",
    scope=ADMIN,
    query=_PARAMETERS,
    responses={200: ResponseSpec(description="By SID.", schema=SharedSidList, example=_EXAMPLE)},
)


@get("/api/v1/admin/shared-sids", operation=SHARED_SIDS)
async def get_shared_sids(request: AnyRequest) -> Response:
    """Read tenant by tenant, in threads: a window may have very many calls."""
    deps = dependencies_of(request)
    window = _window(request, deps.clock())
    tenants = [each.tenant for each in await deps.store.read(admin_list_tenants())]
    found = await shared_sids(deps.store, tenants, window)
    has_more = sum(len(each.calls) > 1 for each in found) >= MAX_SIDS
    return Response.json(SharedSidList(utc_text(window.from_us), utc_text(window.to_us), found, has_more))


def _window(request: AnyRequest, now_us: int) -> TimeWindow:
    asked = read_values(query_pairs(request.scope["query_string"]), _KNOWN)
    to_us = asked.get("to_us", now_us)
    window = TimeWindow(asked.get("from_us", to_us - DAY_US), to_us)
    if not 0 < window.to_us - window.from_us <= _LONGEST_DAYS * DAY_US:
        message = f"from must be earlier than to, by {_LONGEST_DAYS} days at most"
        raise InvalidInput.of("from", message)
    return window
