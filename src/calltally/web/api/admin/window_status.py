"""`GET /api/v1/admin/status`: completeness of a window for every tenant, for the admin key."""

from typing import Any, Final

import msgspec
from litestar import get

from calltally.calls.times import utc_text
from calltally.calls.wire_types import Timestamp
from calltally.reconcile.window_report import WindowStatus
from calltally.reconcile.window_status import window_status
from calltally.store.tenants.tenants import admin_list_tenants
from calltally.web.api.admin.operations import TAG
from calltally.web.api.admin.window_parameters import WINDOW_PARAMETERS, requested_window
from calltally.web.openapi.operation import Operation, one_response
from calltally.web.request.access import ADMIN
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.response.response import Response

_TIMES: Final = {"from": "2026-10-01T00:00:00.000000Z", "to": "2026-10-02T00:00:00.000000Z"}
_TENANT: Final[dict[str, Any]] = {
    "tenant": "acme",
    **_TIMES,
    "at": "2026-10-05T09:30:00.000000Z",
    "complete": False,
    "reasons": ["1 dead letter waits for a replay: twilio, since 2026-10-01 11:20"],
    "remarks": [],
    "calls": 1234,
    "revision": 5678,
    "watermark": "2026-10-05T09:15:00.000000Z",
    "open": {"calls": 0, "older": 0, "by_route": [], "listed": []},
    "disputed": {"calls": 0, "listed": []},
    "silences": [],
    "dead_letters": [
        {"provider": "twilio", "letters": 1, "oldest_received_at": "2026-10-01T11:20:00.000000Z"}
    ],
}


class WindowStatusList(msgspec.Struct, frozen=True):
    """Status of a window for each tenant. It is complete if it is so for all."""

    from_: Timestamp = msgspec.field(name="from")
    to: Timestamp
    complete: bool
    data: list[WindowStatus]


STATUS: Final = Operation(
    id="listWindowStatus",
    tag=TAG,
    summary="Report for each tenant whether a window is complete, and if not, the reasons.",
    description="The same as `calltally status`. Reasons are open calls, providers that stopped reporting and"
    " dead letters. Remarks are calls with contradictory facts, undocumented fields of a provider, and a"
    " missing background worker.",
    scope=ADMIN,
    query=WINDOW_PARAMETERS,
    responses=one_response(
        200,
        "The status of each tenant, by its id.",
        WindowStatusList,
        {**_TIMES, "complete": False, "data": [_TENANT]},
    ),
)


@get("/api/v1/admin/status", operation=STATUS)
async def get_window_status(request: AnyRequest) -> Response:
    """Read tenants one by one: a window may have very many calls."""
    deps = dependencies_of(request)
    now_us = deps.clock()
    window = requested_window(request, now_us)
    tenants = [each.tenant for each in await deps.store.read(admin_list_tenants())]
    found = [await window_status(deps.store, tenant, window, now_us) for tenant in tenants]
    is_complete = all(each.complete for each in found)
    return Response.json(
        WindowStatusList(utc_text(window.from_us), utc_text(window.to_us), is_complete, found)
    )
